"""What the tests of stores do to a database."""


def empty(engine):
    """Leave nothing in a database of PostgreSQL."""
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
