"""Compares random lives as leadlife tells them with what the reference reads: ``python -m reference.campaign``."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from leadlife import Journey
from leadlife.errors import Malformed
from leadlife.facts import Started
from leadlife.journey.memory import oldest_first
from leadlife.journey.records import FactOutcome, FactStatus, RuleChange, RuleChangeKind, Step, StepKind
from leadlife.playbook.playbook import Playbook
from reference.interpreter import read_all
from reference.lives import HOUR, Features, Life, life
from reference.reading import Reading
from reference.shrinking import smaller

MOST_TRIES = 4_000


class Divergence(NamedTuple):
    """That leadlife and the reference say different things about one life."""

    at: datetime
    topic: str
    leadlife: Any
    reference: Any


def recorded(one: Life) -> Journey:
    """Return the journey of a life. A fact that cannot be recorded, such as a late adoption, is left out."""
    journey = Journey("x", one.playbooks[0])
    ready = False
    for fact in one.facts():
        if not ready and journey.facts:
            journey, ready = Journey.replay(journey.facts, one.playbooks), True
        try:
            journey = journey.record(fact)
        except (Malformed, LookupError):
            continue
    return journey


def told(journey: Journey) -> dict[str, Any]:
    """Return what leadlife says of a journey, in the words of a reading."""
    shown = journey._data.shown
    history = list(oldest_first(shown.history))
    steps = [entry for entry in history if isinstance(entry, Step) and entry.kind is not StepKind.ADOPTED]
    changes = [entry for entry in history if isinstance(entry, RuleChange)]
    timers = [entry for entry in history if isinstance(entry, FactOutcome) and entry.fact is None]
    return {
        "stage": journey.stage,
        "left": None if shown.position is None else shown.position.left,
        "cycles": tuple(
            (one.number, one.opened, None if one.outcome is None else str(one.outcome), one.ended, one.high_water)
            for one in journey.cycles
        ),
        "high_water": journey.high_water,
        "held": {name: (one.granted, one.expires) for name, one in sorted(journey.qualifications.items())},
        "readiness": None if journey.readiness is None else str(journey.readiness),
        "moves": tuple((step.at, str(step.trigger), step.source, step.target) for step in steps),
        "changes": by_name(
            (change.at, change.name, change.kind is RuleChangeKind.GRANTED)
            for change in changes
            if change.kind in (RuleChangeKind.GRANTED, RuleChangeKind.WITHDRAWN)
        ),
        "refused": {
            entry.fact: str(entry.refusals[0].code)
            for entry in history
            if isinstance(entry, FactOutcome) and entry.fact is not None and entry.status is FactStatus.REFUSED
        },
        "limits_refused": tuple((one.at, one.trigger, str(one.refusals[0].code)) for one in timers),
        "chased": any(change.kind is RuleChangeKind.ENDLESS_MOVES for change in changes),
    }  # fmt: skip


def expected(reading: Reading) -> dict[str, Any]:
    """Return a reading in the same words."""
    said = {name: getattr(reading, name) for name in Reading.__dataclass_fields__ if name != "at"}
    said["cycles"] = tuple(tuple(asdict(one).values()) for one in reading.cycles)
    return said | {"changes": by_name(reading.changes), "moves": tuple(map(tuple, reading.moves))}


def by_name(changes: Any) -> dict[str, tuple[Any, ...]]:
    """Return the grants and withdrawals of each qualification; at one instant their order among names has no meaning."""
    found: dict[str, tuple[Any, ...]] = {}
    for at, name, granted in changes:
        one = (*found.get(name, ()), (at, granted))
        # Withdrawn and granted again at the instant of its grant: leadlife tells nothing, for it is since then still.
        again = ((at, True), (at, False), (at, True))
        found[name] = one[:-2] if one[-3:] == again else one
    return found


def divergences(one: Life) -> Iterator[Divergence]:
    """Yield where leadlife and the reference differ, the earliest first."""
    journey = recorded(one)
    if not journey.facts:
        return
    # Every hour at which something happened in either, and those that were asked for.
    last = max(fact.at for fact in journey.facts)
    ends = sorted({*one.instants, last, last + 80 * HOUR})
    for at, reading in zip(ends, read_all(journey.facts, one.playbooks, ends), strict=True):
        views = {"as_of": journey.as_of(at=at)}
        if journey.at is not None and at >= journey.at:
            views["tick"] = journey.tick(at)
        for view in views.values():
            says, reads = told(view), expected(reading)
            chased = says["chased"] and reads["chased"]  # how such moves go on is not settled: only that is compared
            for topic, value in [] if chased else reads.items():
                if says[topic] != value:
                    yield Divergence(at, topic, says[topic], value)


def first(one: Life) -> Divergence | None:
    """Return the earliest divergence; of one instant, that of the most telling topic."""
    try:
        found = list(divergences(one))
    except Exception:
        return Divergence(datetime.max.replace(tzinfo=UTC), "crash", traceback.format_exc(limit=-3), None)
    order = ["crash", "refused", "moves", "changes", "limits_refused", "held", "readiness", "cycles"]
    return min(found, key=lambda d: (d.at, order.index(d.topic) if d.topic in order else 99), default=None)


def shrunk(one: Life) -> Life:
    """Return the smallest life, found greedily, that still diverges in the same topic."""
    found = first(one)
    tries, going = 0, True
    while going and found is not None and tries < MOST_TRIES:
        going = False
        for less in smaller(one):
            tries += 1
            again = first(less)
            if again is not None and again.topic == found.topic:
                one, going = less, True
                break
            if tries > MOST_TRIES:
                break
    return one


def examined(seed: int, features: Features) -> tuple[int, str | None]:
    """Return the report of the life of a seed; None if leadlife and the reference agree."""
    one = life(seed, features)
    found = first(one)
    if found is None:
        return seed, None
    try:
        return seed, report(seed, shrunk(one))
    except Exception:
        return seed, f"seed {seed}: {found.topic}, not shrunk\n{traceback.format_exc()}"


def report(seed: int, one: Life) -> str:
    """Return a divergence in words."""
    found = first(one)
    lines = [f"seed {seed}: {'nothing' if found is None else found.topic}"]
    for playbook in one.playbooks:
        lines += [f"  {line}" for line in described(playbook)]
    for fact in one.facts():
        said = fact.model_dump(mode="json", exclude_none=True, exclude={"schema_version", "playbook", "at", "type"})
        said["by"] = fact.by.id
        stage = f" {fact.stage}" if isinstance(fact, Started) else ""
        lines.append(f"  {fact.at:%d %H}h {type(fact).__name__}{stage} {said}")
    if found is not None:
        lines += [f"  at {found.at:%d %H}h", f"    leadlife:  {plain(found.leadlife)}"]
        lines += [f"    reference: {plain(found.reference)}"]
    return "\n".join(lines)


def described(playbook: Playbook) -> Iterator[str]:
    """Yield a playbook in short lines."""
    yield f"playbook {playbook.version}, review_days {playbook.review_days}"
    for stage in playbook.lifecycle.stages:
        limit = f", limit {stage.limit.after} {stage.limit.trigger}" if stage.limit is not None else ""
        rest = f", cool-down {stage.cool_down}, {stage.reentry_limit} returns" if stage.status == "recycled" else ""
        yield f"  stage {stage.id} {stage.status}{'' if stage.on_path else ' (off path)'}{limit}{rest}"
    for rule in playbook.lifecycle.transitions:
        words = [f"{rule.trigger}: {rule.sources} > {rule.target} ({rule.kind})"]
        words += [f"if {rule.guard.sentence()}"] if rule.guard is not None else []
        words += [name for name in ("automatic", "pending", "needs_reason") if getattr(rule, name, False)]
        words += [f"on {rule.on}"] * (rule.on is not None) + [f"roles {rule.roles}"] * bool(rule.roles)
        yield f"  {', '.join(words)}"
    rules = [(rule.name, rule) for rule in playbook.qualifications]
    if playbook.readiness is not None:
        rules += [("mid", playbook.readiness.mid), ("late", playbook.readiness.late)]
    for name, rule in rules:
        parts = [f"{part} {criterion.sentence()}" for part, criterion in rule.criteria()]
        parts += ["lasting"] * rule.lasting + [f"valid for {rule.valid_for}"] * (rule.valid_for is not None)
        yield f"  rule {name} {getattr(rule, 'granted_by', '')}: {', '.join(parts)}"


def plain(value: Any) -> str:
    """Return a value with short instants."""
    if isinstance(value, datetime):
        return f"{value:%d %H}h"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {plain(one)}" for key, one in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(plain(one) for one in value) + ")"
    return str(value)


def main() -> int:
    """Run the campaign, and return 1 if there is a divergence."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--features", default="all", help="all, none, or some of pending,retried,fading,adopting,broken"
    )
    parser.add_argument("--most", type=int, default=20, help="stop after so many divergences")
    asked = parser.parse_args()
    seeds = range(asked.seed, asked.seed + asked.lives)
    judge = partial(examined, features=Features.only(asked.features))
    with ProcessPoolExecutor(asked.jobs) as pool:
        results = pool.map(judge, seeds, chunksize=10) if asked.jobs > 1 else map(judge, seeds)
        found = list(islice((text for _, text in results if text is not None), asked.most))
        pool.shutdown(cancel_futures=True)
    for text in (*found, f"{asked.lives:,} lives from seed {asked.seed}, {len(found)} divergences"):
        sys.stdout.write(f"{text}\n\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
