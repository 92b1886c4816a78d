"""Subjects: what the leaves of criteria ask about, and how a leaf answers for a value of its subject.

Leaves with the same subject depend on each other: one value answers them all. Leaves with different subjects are
independent, except for counts that lie within each other (see :func:`nested`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from leadlife.checks.durations import may_end_first
from leadlife.criteria import (
    BandIs,
    ByRole,
    Comparison,
    ConsentIs,
    CountIs,
    Criterion,
    CustomGuard,
    CycleIs,
    DateIs,
    DateRelation,
    DaysInStage,
    FieldHas,
    FieldIs,
    HasEvidence,
    InStage,
    LatestIs,
    Readiness,
    ReadinessIs,
    RecycledFor,
    ReturnsAre,
    ScoreIs,
    SeenIs,
    SourceIs,
    SumIs,
)
from leadlife.playbook.playbook import Playbook
from leadlife.scoring.policy import Banded, Policy
from leadlife.timing import parse_duration, zone_named

Answer = bool | None
Subject = tuple[str, ...]
MISSING = None
_DAY = timedelta(days=1)
_NEARER = {segment: place for place, segment in enumerate(Readiness)}


def subject_of(leaf: Criterion, playbook: Playbook | None = None) -> Subject:  # noqa: C901, PLR0912 - one case a kind of leaf
    """Return the subject that a leaf asks about."""
    match leaf:
        case FieldIs():
            return "field", leaf.name
        case FieldHas():
            # What else the text is asked may go with any of its values, so each question is a subject of its own: that
            # allows some texts that there are not, and leaves out none.
            return "has", leaf.name, leaf.value.casefold(), leaf.separator or ""
        case DateIs():
            # Which day it is decides on a date alone. An anniversary is independent of how far the date lies ahead.
            return "date", leaf.name, leaf.relation if leaf.relation is DateRelation.ANNIVERSARY else ""
        case SourceIs():
            return "source", leaf.part
        case ConsentIs():
            return "consent", leaf.name
        case LatestIs():
            return "latest", leaf.kind, leaf.attribute
        case CountIs():
            return "count", *_counted(leaf)
        case SumIs():
            return "sum", leaf.attribute, *_counted(leaf)
        case SeenIs():
            return "seen", leaf.end, *sorted(leaf.kinds)
        case ScoreIs():
            return "score", leaf.name
        case BandIs():
            # Without the policy, nothing is known about the order of bands: each question is a subject of its own.
            if policy_of(leaf.name, playbook) is None:
                return "band", leaf.name, leaf.sentence()
            # If bands are cut from the value, a band and the score are one subject.
            return ("score" if cuts_of(leaf.name, playbook) else "band"), leaf.name
        case HasEvidence():
            return "evidence", leaf.name
        case ReturnsAre():
            return ("returns",)
        case ByRole():
            return ("roles",)
        case CustomGuard():
            return "custom_guard", leaf.name, leaf.version
        case _:
            topic, name = next(iter(leaf.inputs()))
            # The days in a stage and the stage itself read the same input, but they are two subjects.
            days = ("days",) if isinstance(leaf, DaysInStage) else ()
            return (topic, *([name] if topic == "qualification" else ()), *days)


def _counted(leaf: CountIs | SumIs) -> tuple[str, ...]:
    where = ";".join(match.sentence(name) for name, match in leaf.where.items())
    window = "" if leaf.within is None else str(leaf.within.model_dump())
    return ",".join(sorted(leaf.kinds)), where, window, "since" if leaf.since_recycling else ""


def zone_of(playbook: Playbook | None) -> ZoneInfo:
    """Return the zone of a playbook. Without a playbook, return a zone whose clocks change: the more cautious guess."""
    return zone_named("America/New_York" if playbook is None else playbook.zone)


def policy_of(name: str, playbook: Playbook | None) -> Policy | None:
    """Return the scoring policy with a name, or None if the playbook does not have it."""
    return None if playbook is None else next((one for one in playbook.scores if one.name == name), None)


def cuts_of(name: str, playbook: Playbook | None) -> list[tuple[float, str]]:
    """Return the value at which each band of a score begins, the lowest first; empty if the policy gives none."""
    found = policy_of(name, playbook)
    return sorted((cut, band) for band, cut in found.bands.items()) if isinstance(found, Banded) else []


def answer(leaf: Criterion, value: Any, playbook: Playbook | None = None) -> Answer:  # noqa: C901, PLR0912 - as above
    """Return the answer of a leaf if its subject has a value."""
    match leaf:
        case FieldIs() | LatestIs():
            if value is MISSING:
                return False if leaf.compare is Comparison.KNOWN else None
            return leaf.holding()(value)
        case DateIs():
            return None if value is MISSING else _ahead(leaf, *value)
        case SourceIs():
            return None if value is MISSING else value in leaf.names
        case ConsentIs():
            return None if value is MISSING else leaf.compare.relation(value, leaf.value)
        case CountIs() | DaysInStage() | CycleIs() | ReturnsAre():
            return leaf.compare.relation(value, leaf.value)
        case SumIs():
            return None if value is MISSING else leaf.compare.relation(value, leaf.value)
        case ScoreIs():
            return None if not isinstance(value, int | float) else leaf.compare.relation(value, leaf.value)
        case BandIs():
            return _band_answer(leaf, value, playbook)
        case SeenIs():
            return None if value is MISSING else (leaf.age in value[1]) is leaf.older
        case HasEvidence():
            if value is MISSING:
                return None
            # Old evidence is unknown, not false: the lead may have changed since.
            given, _, passed = value
            return bool(given) if leaf.within is None or leaf.within not in passed else None
        case InStage():
            return value in leaf.names
        case RecycledFor():
            return value in leaf.reasons
        case ReadinessIs():
            return None if value is MISSING else leaf.compare.relation(_NEARER[value], _NEARER[leaf.value])
        case ByRole():
            return any(name in leaf.names for name in value)
        case _:
            return value if isinstance(value, bool) else None


def _ahead(leaf: DateIs, days: int, longest: frozenset[object]) -> bool:
    """Return the answer about a date that lies so many days ahead, where the months of some windows are long."""
    match leaf.relation:
        case DateRelation.PAST:
            return days < 0
        case DateRelation.FUTURE:
            return days > 0
        case DateRelation.WITHIN:
            return 0 <= days <= leaf.reach[leaf.window in longest]
        case _:
            return days == 0


def words(subject: Subject, value: Any) -> str:  # noqa: C901, PLR0912 - as above
    """Return the value of a subject in words, as a witness shows it."""
    topic, *rest = subject
    name = " ".join(part for part in rest if part)
    match topic:
        case "field" | "score" | "band" | "sum" | "latest":
            return f"{name} unknown" if value is MISSING else f"{topic + ' ' if topic != 'field' else ''}{name} {value}"
        case "count":
            return f"{value} of {_counted_words(*rest)}"
        case "evidence":
            if value is MISSING:
                return f"no evidence of {name}"
            old = f", {value[1] / _DAY:g} days old" if value[1] else ""
            return f"evidence of {name}: {'yes' if value[0] else 'no'}{old}"
        case "seen":
            return f"{name}: none" if value is MISSING else f"{name} {value[0] / _DAY:g} days ago"
        case "date":
            return f"{name} unknown" if value is MISSING else f"{name} {value[0]:+d} days from today"
        case "has":
            return f"{rest[0]} unknown" if value is MISSING else f"{rest[0]} has {'' if value else 'no '}{rest[1]}"
        case "source" | "consent":
            return f"{topic} {name} {'unknown' if value is MISSING else value}"
        case "roles":
            return f"asked by {' and '.join(value) or 'a person without a role'}"
        case "custom_guard":
            return f"{rest[0]} answers {value}"
        case "stage" if rest == ["days"]:
            return f"{value} days in the stage"
        case "stage":
            return f"in stage {value}"
        case "reason":
            return f"led here for the reason {value}"
        case "returns":
            return f"{value} returns"
        case "readiness" | "cycle":
            return f"{topic} {'unknown' if value is MISSING else value}"
        case _:
            text = {"sold": "a sale", "identified": "identified", "qualification": f"holds {name}"}[topic]
            return text if value else f"not: {text}"


def _counted_words(kinds: str, where: str, window: str, since: str) -> str:
    what = " or ".join(kinds.split(",")) if kinds else "any activity"
    details = [f" where {where}" if where else "", f" within {parse_duration(window)}" if window else ""]
    return f"{what}{''.join(details)}{' since the recycling or win' if since else ''}"


def _band_answer(leaf: BandIs, value: Any, playbook: Playbook | None) -> Answer:
    cuts, policy = cuts_of(leaf.name, playbook), policy_of(leaf.name, playbook)
    if value is MISSING or policy is None:
        return value if isinstance(value, bool) else None
    bands = policy.band_names()
    if leaf.value not in bands or not (cuts or value in bands):
        return None  # a band that this playbook does not have
    reached = sum(value >= cut for cut, _ in cuts) - 1 if cuts else bands.index(value)
    return None if reached < 0 else leaf.compare.relation(reached, bands.index(leaf.value))


def nested(less: Subject, more: Subject, zone: ZoneInfo) -> bool:
    """Return whether the second subject counts at least everything that the first counts.

    Both must be counts. The function compares kinds, conditions, windows and the start of the count as they are
    written. It does not see that two different conditions mean the same.
    """
    if less[0] != "count" or more[0] != "count" or less == more:
        return False
    _, kinds, where, window, since = less
    _, other_kinds, other_where, other_window, other_since = more
    return (
        (not other_kinds or (bool(kinds) and set(kinds.split(",")) <= set(other_kinds.split(","))))
        and other_where in ("", where)
        and other_since in ("", since)
        and (other_window in ("", window) or (window != "" and _shorter(window, other_window, zone)))
    )


def _shorter(window: str, other: str, zone: ZoneInfo) -> bool:
    # The windows end now, so the shorter one lies within the longer one, unless the calendar can reverse their order.
    return not may_end_first(parse_duration(other), parse_duration(window), zone)
