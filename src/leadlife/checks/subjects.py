"""What a criterion asks about: each subject, and what a leaf answers where its subject is this or that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from leadlife.checks.durations import may_end_first
from leadlife.criteria import (
    BandIs,
    ByRole,
    Comparison,
    CountIs,
    Criterion,
    CustomGuard,
    CycleIs,
    DaysInStage,
    FieldIs,
    HasEvidence,
    InStage,
    LatestIs,
    Readiness,
    ReadinessIs,
    ScoreIs,
    SeenIs,
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


def subject_of(leaf: Criterion, playbook: Playbook | None = None) -> Subject:  # noqa: C901 - one case a kind of leaf
    """Return what a leaf asks about; two leaves of one subject hang together, two of different ones do not."""
    match leaf:
        case FieldIs():
            return "field", leaf.name
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
            if policy_of(leaf.name, playbook) is None:
                return "band", leaf.name, leaf.sentence()
            return ("score" if cuts_of(leaf.name, playbook) else "band"), leaf.name
        case HasEvidence():
            return "evidence", leaf.name
        case ByRole():
            return ("roles",)
        case CustomGuard():
            return "custom_guard", leaf.name, leaf.version
        case _:
            told = next(iter(leaf.inputs()))
            return (told[0], *([told[1]] if told[0] == "qualification" else ()), *_apart(leaf))


def _apart(leaf: Criterion) -> tuple[str, ...]:
    return ("days",) if isinstance(leaf, DaysInStage) else ()


def _counted(leaf: CountIs | SumIs) -> tuple[str, ...]:
    where = ";".join(match.sentence(name) for name, match in leaf.where.items())
    window = "" if leaf.within is None else str(leaf.within.model_dump())
    return ",".join(sorted(leaf.kinds)), where, window, "since" if leaf.since_recycling else ""


def zone_of(playbook: Playbook | None) -> ZoneInfo:
    """Return the zone of a playbook; without one, a zone whose clocks change, so that nothing is taken for granted."""
    return zone_named("America/New_York" if playbook is None else playbook.zone)


def policy_of(name: str, playbook: Playbook | None) -> Policy | None:
    """Return the scoring policy of a name, if the playbook has it."""
    return None if playbook is None else next((one for one in playbook.scores if one.name == name), None)


def cuts_of(name: str, playbook: Playbook | None) -> list[tuple[float, str]]:
    """Return where the bands of a score begin, if its policy says so, the lowest first."""
    found = policy_of(name, playbook)
    return sorted((cut, band) for band, cut in found.bands.items()) if isinstance(found, Banded) else []


def answer(leaf: Criterion, value: Any, playbook: Playbook | None = None) -> Answer:  # noqa: C901, PLR0912 - as above
    """Return what a leaf answers where its subject is this."""
    match leaf:
        case FieldIs() | LatestIs():
            if value is MISSING:
                return False if leaf.compare is Comparison.KNOWN else None
            return leaf.holding()(value)
        case CountIs() | DaysInStage() | CycleIs():
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
            said, _, passed = value
            return bool(said) if leaf.within is None or leaf.within not in passed else None
        case InStage():
            return value in leaf.names
        case ReadinessIs():
            return None if value is MISSING else leaf.compare.relation(_NEARER[value], _NEARER[leaf.value])
        case ByRole():
            return any(name in leaf.names for name in value)
        case _:
            return value if isinstance(value, bool) else None


def words(subject: Subject, value: Any) -> str:  # noqa: C901 - as above
    """Return a subject that is this, in words."""
    sort, *rest = subject
    name = " ".join(part for part in rest if part)
    match sort:
        case "field" | "score" | "band" | "sum" | "latest":
            return f"{name} unknown" if value is MISSING else f"{sort + ' ' if sort != 'field' else ''}{name} {value}"
        case "count":
            return f"{value} of {_counted_words(*rest)}"
        case "evidence":
            if value is MISSING:
                return f"no evidence of {name}"
            old = f", {value[1] / _DAY:g} days old" if value[1] else ""
            return f"evidence of {name}: {'yes' if value[0] else 'no'}{old}"
        case "seen":
            return f"{name}: none" if value is MISSING else f"{name} {value[0] / _DAY:g} days ago"
        case "roles":
            return f"asked by {' and '.join(value) or 'somebody without a role'}"
        case "custom_guard":
            return f"{rest[0]} answers {value}"
        case "stage" if rest == ["days"]:
            return f"{value} days in the stage"
        case "stage":
            return f"in stage {value}"
        case "readiness" | "cycle":
            return f"{sort} {'unknown' if value is MISSING else value}"
        case _:
            told = {"sold": "a sale", "identified": "identified", "qualification": f"holds {name}"}[sort]
            return told if value else f"not: {told}"


def _counted_words(kinds: str, where: str, window: str, since: str) -> str:
    what = " or ".join(kinds.split(",")) if kinds else "any activity"
    told = [f" where {where}" if where else "", f" within {parse_duration(window)}" if window else ""]
    return f"{what}{''.join(told)}{' since the recycling or win' if since else ''}"


def _band_answer(leaf: BandIs, value: Any, playbook: Playbook | None) -> Answer:
    cuts, policy = cuts_of(leaf.name, playbook), policy_of(leaf.name, playbook)
    if value is MISSING or policy is None:
        return value if isinstance(value, bool) else None
    bands = policy.band_names()
    if leaf.value not in bands or not (cuts or value in bands):
        return None  # a band of another playbook
    reached = sum(value >= cut for cut, _ in cuts) - 1 if cuts else bands.index(value)
    return None if reached < 0 else leaf.compare.relation(reached, bands.index(leaf.value))


def nested(less: Subject, more: Subject, zone: ZoneInfo) -> bool:
    """Return whether whatever the first counts, the second counts too, as far as their words tell."""
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
    return not may_end_first(parse_duration(other), parse_duration(window), zone)
