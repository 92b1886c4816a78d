"""A pytest plugin with the checks as fixtures. It imports the rest of leadlife only when a fixture is used."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def check_playbook() -> Callable[..., None]:
    """Return the function that checks a playbook; see ``leadlife.testing.check_playbook``."""
    from leadlife.testing.playbook import check_playbook as check  # noqa: PLC0415 - pytest loads this module in every run

    return check


@pytest.fixture(scope="session")
def check_policy() -> Callable[..., None]:
    """Return the function that checks a scoring policy; see ``leadlife.testing.check_policy``."""
    from leadlife.testing.contract import check_policy as check  # noqa: PLC0415 - as above

    return check
