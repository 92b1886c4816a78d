"""How fast figures about money are. ``--json`` prints one object.

The incidence of 100,000 leads is compared with the Kaplan-Meier estimate of lifelines over the same times, in the same
rounds. The other figures are seconds of CPU, each with its goal. The report needs ``../shared/data/olist``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import process_time
from typing import Any

from lifelines import KaplanMeierFitter

from leadlife.analytics.survival import CompetingRisks
from leadlife.economics import ChannelPath, attribute, shapley
from leadlife.economics.stays import LeadStays, StageModel, Stay

LEADS, STAYS, PATHS = 100_000, 100_000, 10_000
OLIST = Path(__file__).parents[2] / "shared" / "data" / "olist"
MAPPING = Path(__file__).parents[1] / "examples" / "olist" / "olist.toml"
CHANNELS = [f"channel-{number}" for number in range(10)]


def took(job: Callable[[], Any]) -> float:
    begin = process_time()
    job()
    return process_time() - begin


def times() -> list[tuple[float, str | None]]:
    random = Random(3)  # noqa: S311 - a sample, no secret
    causes = ("won", "lost", None)
    return [(float(int(random.expovariate(0.01))), random.choices(causes, (1, 4, 5))[0]) for _ in range(LEADS)]


def stays() -> list[LeadStays]:
    random = Random(4)  # noqa: S311 - a sample, no secret
    found: list[LeadStays] = []
    for number in range(STAYS // 4):
        own = [Stay(f"stage-{place}", random.expovariate(0.05), f"stage-{place + 1}") for place in range(3)]
        found.append(LeadStays(f"l{number}", "main", None, (*own, Stay("stage-3", 5.0, None))))
    return found


def paths() -> list[ChannelPath]:
    random = Random(5)  # noqa: S311 - a sample, no secret
    return [
        ChannelPath(tuple(random.choices(CHANNELS, k=random.randint(1, 6))), random.random() < 0.1)
        for _ in range(PATHS)
    ]


def worth_of(several: list[ChannelPath]) -> Callable[[frozenset[str]], float]:
    """Return what a set of channels is worth: the conversions whose paths need no others."""
    counts: dict[frozenset[str], int] = {}
    for path in several:
        if path.won:
            group = frozenset(path.channels)
            counts[group] = counts.get(group, 0) + 1
    return lambda group: float(sum(count for own, count in counts.items() if own <= group))


def report_seconds() -> float | None:
    """Return the CPU of the whole process, from Olist's files to HTML; None where they are not there."""
    if not OLIST.exists():
        return None
    before = getrusage(RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        page = str(Path(folder) / "report.html")
        command = [sys.executable, "-m", "leadlife", "report", str(MAPPING), "--data", str(OLIST), "-o", page]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(rounds: int) -> dict[str, float | None]:
    observed, several = times(), paths()
    durations, won = [time for time, _ in observed], [cause == "won" for _, cause in observed]
    pairs = [
        (took(lambda: CompetingRisks(observed)), took(lambda: KaplanMeierFitter().fit(durations, won)))
        for _ in range(rounds)
    ]
    leads = stays()
    return {
        "incidence_vs_lifelines": median(mine / theirs for mine, theirs in pairs),
        "semi_markov_fit_seconds": median(took(lambda: StageModel.of(leads).semi_markov()) for _ in range(rounds)),
        "shapley_seconds": median(took(lambda: shapley(worth_of(several), CHANNELS)) for _ in range(rounds)),
        "attribution_seconds": median(took(lambda: attribute(several, "shapley")) for _ in range(rounds)),
        "report_seconds": report_seconds(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=7)
    call = parser.parse_args()
    found = measure(call.rounds)
    if call.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name}: {'needs ../shared' if value is None else f'{value:.3f}'}")


if __name__ == "__main__":
    main()
