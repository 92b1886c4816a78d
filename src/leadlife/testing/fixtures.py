"""A thin pytest plugin: the laws as fixtures. It imports nothing of leadlife until one of them is used."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def check_playbook() -> Callable[..., None]:
    """Hold a playbook to the laws; see ``leadlife.testing.check_playbook``."""
    from leadlife.testing.playbook import check_playbook as laws  # noqa: PLC0415 - who does not use it does not pay

    return laws


@pytest.fixture(scope="session")
def check_policy() -> Callable[..., None]:
    """Hold a scoring policy to its contract; see ``leadlife.testing.check_policy``."""
    from leadlife.testing.contract import check_policy as laws  # noqa: PLC0415 - as above

    return laws
