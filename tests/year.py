"""A year of a small firm with 200 simulated leads, fifty times, and the same years under a more pressing playbook.

Run by ``make soak``; the table stands in docs/nurture.md. Ten worlds, 2,000 leads, were tried first, with the seeds 7 to
16, and did not settle the sales; these have other seeds and were run once. The market is invented, so this tests the
simulator and the comparison, and says nothing about real leads.
"""

from __future__ import annotations

import sys

from leadlife import elapsed
from leadlife.planning import Comparison, compare
from leadlife.playbook import Playbook
from leadlife.presets import eight_stage_nurture
from leadlife.qualification.programmes import Programme, Touch
from leadlife.timing import Calendar


def _sooner(touch: Touch) -> Touch:
    wait = touch.wait
    return touch.replace(wait=elapsed(hours=4 * wait.days)) if isinstance(wait, Calendar) else touch


def _eager(programme: Programme) -> Programme:
    touches = [_sooner(touch) for touch in programme.touches]
    again = [touch.replace(name=f"{touch.name} again") for touch in touches]
    after_sale = programme.name in ("keep warm", "ask for a referral")
    return programme.replace(touches=[*touches, *again], reentry=programme.reentry if after_sale else "P20D")


def pressing(playbook: Playbook) -> Playbook:
    """Return a playbook that sends everything twice and six times as fast, without contact rules."""
    eager = [_eager(programme) for programme in playbook.programmes]
    return playbook.replace(version="pressing", programmes=eager, contact_rules=None)


def year() -> Comparison:
    """Return the year under the preset and under the more pressing playbook, in the same fifty worlds."""
    calm = eight_stage_nurture()
    return compare(calm, pressing(calm), leads=200, worlds=50, seed=2027)


def main() -> None:
    """Print the year, and check what it is to show."""
    found = year()
    sys.stdout.write(f"{found}\n")
    rows = {row.figure: row for row in found.rows}
    assert rows["touches"].low > 0, "the pressing playbook sends more"
    assert rows["opt-outs"].low > 0, "more leads unsubscribe"
    assert rows["sales"].high < 0, "the pressing playbook wins less"
    assert rows["offers to sales"].high < 0, "fewer leads come so far that sales is asked"


if __name__ == "__main__":
    main()
