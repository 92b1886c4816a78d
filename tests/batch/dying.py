"""A policy that ends the process it runs in, for the tests of workers that die."""

import os
from pathlib import Path

from leadlife.scoring import CustomPolicy


def dies(lead, _activities, *, at):
    """End the process at one lead, as often as the file says."""
    place = Path(os.environ["LEADLIFE_DIES"])
    if lead.id == "lead3" and place.exists():
        left = int(place.read_text())
        if left:
            place.write_text(str(left - 1))
            os._exit(9)
    return {"one": 1.0, "year": at.year}


def deadly():
    return CustomPolicy.of(dies, name="deadly")
