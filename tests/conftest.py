"""Shared ground: hypothesis profiles, and where the real inputs lie."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    deadline=None,
    derandomize=bool({"CI", "LEADLIFE_DERANDOMIZE"} & set(os.environ)),  # CI repeats itself; elsewhere we search on
    max_examples=int(os.environ.get("LEADLIFE_EXAMPLES", "60")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
settings.load_profile("default")

SHARED = Path(os.environ.get("LEADLIFE_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared_data():
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the real inputs in ../shared/data are not here")
    return folder
