"""Count the files of ours that one recorded activity crosses when it moves a lead; ``--list`` names them in order.

It traces calls, so a file counts once a function of it runs. The number is printed and not tested: it tells how far a
reader must follow a fact.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

import leadlife
from leadlife import ActivityRecorded, Journey
from leadlife.presets import eight_stage

SOURCE = str(Path(leadlife.__file__).parent)
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


PLAYBOOK = eight_stage().automated("engage")
CALL = ActivityRecorded(kind="call", at=MONDAY + timedelta(days=1))


def started() -> Journey:
    """Return a lead in the stage ``name``, which the next call moves to ``engagement`` automatically."""
    return Journey.start("eve", PLAYBOOK, stage="name", at=MONDAY)


def crossed() -> list[str]:
    """Return the files that a recorded activity crosses, in the order in which they are entered."""
    started().record(CALL)  # fills every cache, so that what is counted is the usual way
    journey, seen = started(), dict[str, None]()

    def note(frame: FrameType, event: str, _value: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(SOURCE):
            seen.setdefault(str(Path(frame.f_code.co_filename).relative_to(SOURCE)))

    sys.setprofile(note)
    try:
        moved = journey.record(CALL)
    finally:
        sys.setprofile(None)
    if moved.stage != "engagement":
        raise SystemExit("the activity did not move the lead")
    return list(seen)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--list", action="store_true")
    files = crossed()
    print(len(files), "files")
    if options.parse_args().list:
        print("\n".join(files))


if __name__ == "__main__":
    main()
