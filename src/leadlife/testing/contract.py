"""The contract of a scoring policy, as laws that are checked on generated leads and activities."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from leadlife.leads import Activity, Lead
from leadlife.scoring import MICRO, CustomPolicy, Policy, Scale, Score, rank, read_policy
from leadlife.scoring.policy import as_names
from leadlife.scoring.reading import as_policy
from leadlife.testing.scoring_strategies import FIELDS, KINDS
from leadlife.testing.scoring_strategies import activities as some_activities
from leadlife.testing.scoring_strategies import leads as some_leads
from leadlife.testing.strategies import EPOCH, at_times

SUPPRESSED_CHECKS = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.nested_given,
]
PHASES = [phase for phase in Phase if phase is not Phase.explain]  # our own message explains the fault, and faster
UNKNOWN_KIND = "an unknown activity"
_AFTER = EPOCH + timedelta(days=40)


def check_policy(
    policy: Any,
    *,
    kinds: Iterable[str] = (),
    fields: Mapping[str, st.SearchStrategy[Any]] | None = None,
    leads: st.SearchStrategy[Lead] | None = None,
    activities: st.SearchStrategy[Sequence[Activity]] | None = None,
    rising: Iterable[str] = (),
    unrelated: str | None = None,
    examples: int = 50,
) -> None:
    """Check a policy against the contract of :class:`ScoringPolicy`, with generated leads and activities.

    The laws:

    - The policy always answers, and the same input gives the same score and is not changed.
    - The order of the activities has no effect. An activity after ``at`` has no effect. Unrelated activities have none.
    - The lines add up, everything is finite, and ``value`` is the value of the score.
    - A score survives JSON, and so does a policy that is data.
    - Activities of the kinds in ``rising`` never lower the score.
    - The score stays in its band, and on its side of a threshold, until the instant that it announces.

    A function is checked in the form in which it is used: bound, so that it gets only activities until ``at``, oldest
    first. An object with a method ``score`` is called directly.

    Args:
        policy: A policy, a named function, or an object with a name, a version and a method ``score``.
        kinds: Further kinds of activity that it reads. A policy that is data names its own.
        fields: A strategy for each further field that it reads. A policy that is data names its own.
        leads: A strategy for leads, in place of the default.
        activities: A strategy for the activities of one lead, in place of the default.
        rising: Kinds of activity that never lower the score.
        unrelated: A kind of activity that has no effect. Not needed for a policy that is data.
        examples: The number of examples to try.

    Raises:
        AssertionError: A law is broken. The message names it, with the smallest example found.
        Malformed: This is not a policy.
    """
    checked, rising = _CheckedPolicy(policy), as_names(rising)
    kinds = tuple(dict.fromkeys((*checked.kinds, *as_names(kinds), *rising))) or KINDS
    strategies = {
        **{name: FIELDS.get(name, _ANYTHING) for name in checked.fields},
        **dict.fromkeys(checked.numbers, _NUMBERS),
        **(fields or {}),
    }
    drawn_leads = some_leads(strategies or None) if leads is None else leads
    drawn_activities = some_activities(kinds) if activities is None else activities
    stray_kind = unrelated or (UNKNOWN_KIND if checked.declares_inputs else None)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=PHASES,
        suppress_health_check=SUPPRESSED_CHECKS,
        report_multiple_bugs=False,
    )
    @given(drawn_leads, drawn_activities, at_times(), st.data())
    def laws(lead: Lead, seen: Sequence[Activity], at: datetime, data: Any) -> None:
        note(f"lead: {lead.model_dump(mode='json')}")
        note(f"activities: {[one.model_dump(mode='json') for one in seen]}")
        score = _repeated_score(checked, lead, seen, at)
        _adds_up(checked, score)
        _same_score(checked, "the order of the activities has no effect", score, lead, data.draw(st.permutations(seen)))
        later = Activity(id="later", kind=data.draw(st.sampled_from(kinds)), at=at + data.draw(_AHEAD))
        _same_score(checked, "an activity after at has no effect", score, lead, (*seen, later))
        if stray_kind is not None:
            extra = Activity(id="stray", kind=stray_kind, at=at)
            _same_score(checked, "unrelated activities have no effect", score, lead, (*seen, extra))
        for kind in rising:
            more = checked.score(lead, (*seen, Activity(id="more", kind=kind, at=at)), at)
            lower = score.answered and more.answered and more.micropoints < score.micropoints
            _law(checked, not lower, f"{kind!r} never lowers the score", f"{score.value} fell to {more.value}")
        _stays(checked, score, lead, [one for one in seen if one.at <= at], data)
        _survives(checked, score, lead, seen)

    laws()


_NUMBERS = st.integers(-5, 100)
_ANYTHING: st.SearchStrategy[Any] = st.one_of(st.integers(-5, 100), st.sampled_from(["a", "b"]), st.booleans())
_AHEAD = st.integers(1, 10**12).map(lambda number: timedelta(microseconds=number))


class _CheckedPolicy:
    """A policy under test: how it is called, and which inputs it declares."""

    def __init__(self, policy: Any) -> None:
        self.declared: Policy = as_policy(policy)
        self.name = self.declared.name
        inputs = set(self.declared.inputs())
        self.kinds = tuple(sorted(name for topic, name in inputs if topic == "activity" and name != "*"))
        self.fields = tuple(sorted(name for topic, name in inputs if topic == "field"))
        reads = [read for one in _parts_of(self.declared) for read in one.reads()]
        self.numbers = tuple(sorted({name for _, topic, name in reads if topic == "number"}))
        self.is_data = not any(isinstance(one, CustomPolicy) for one in _parts_of(self.declared))
        self.declares_inputs = self.is_data and ("activity", "*") not in inputs
        # An object is called directly: binding would hide from the checks that it reads later activities.
        call = self.declared.call if isinstance(self.declared, CustomPolicy) else None
        self._own_score: Callable[..., Any] | None = getattr(call, "score", None)

    def score(self, lead: Lead, seen: Sequence[Activity], at: datetime) -> Score:
        try:
            if self._own_score is not None and isinstance(self.declared, CustomPolicy):
                return self.declared.score_of(self._own_score(lead, tuple(seen), at=at), at=at)
            return self.declared.score(lead, seen, at=at)
        except Exception as error:
            cause = error.__cause__ or error
            reason = f"{type(cause).__name__}: {cause}"
            raise AssertionError(f"policy {self.name!r} breaks the law that it always answers: {reason}") from error


def _parts_of(policy: Policy) -> Iterable[Policy]:
    yield policy
    for part in policy.parts():
        yield from _parts_of(part)


def _law(checked: _CheckedPolicy, kept: bool, law: str, details: object) -> None:  # noqa: FBT001 - it reads as a sentence
    if not kept:
        raise AssertionError(f"policy {checked.name!r} breaks the law that {law}: {details}")


def _repeated_score(checked: _CheckedPolicy, lead: Lead, seen: Sequence[Activity], at: datetime) -> Score:
    before = deepcopy((lead, tuple(seen)))
    score, again = checked.score(lead, seen, at), checked.score(lead, seen, at)
    _law(checked, (lead, tuple(seen)) == before, "it does not change its input", "the lead or an activity was changed")
    _law(checked, score == again, "the same input gives the same score", f"{score.value} and then {again.value}")
    return score


def _adds_up(checked: _CheckedPolicy, score: Score) -> None:
    _law(checked, isfinite(score.value), "everything is finite", score.value)
    summed = sum(line.micropoints for line in score.lines) == score.micropoints or score.scale is Scale.PROBABILITY
    _law(checked, summed, "the lines add up", score.explain())
    if score.cuts:
        reached = sum(score.value * MICRO >= cut for cut in score.cuts) - 1 if score.answered else -1
        _law(checked, rank(score) == reached, "the band is the highest that is reached", f"{score.value}: {score.band}")


def _same_score(checked: _CheckedPolicy, law: str, score: Score, lead: Lead, seen: Sequence[Activity]) -> None:
    other = checked.score(lead, tuple(seen), score.at)
    _law(checked, other == score, law, f"{score.value} and {other.value}")


def _stays(checked: _CheckedPolicy, score: Score, lead: Lead, seen: list[Activity], data: Any) -> None:
    thresholds = (*score.cuts, score.micropoints, score.micropoints - MICRO, score.micropoints + 3 * MICRO)
    threshold = data.draw(st.sampled_from(thresholds)) / MICRO
    for limit in (threshold, None):  # None asks about the band
        until = score.steady_until(limit)
        latest = _AFTER if until is None else until - timedelta(microseconds=1)
        if latest <= score.at or (limit is None and not score.bands):
            continue
        wait = data.draw(st.integers(0, (latest - score.at) // timedelta(microseconds=1)))
        then = checked.score(lead, seen, data.draw(st.sampled_from([latest, score.at + timedelta(microseconds=wait)])))
        same = then.band == score.band if limit is None else _side(then, limit) == _side(score, limit)
        same = same and then.answered == score.answered
        _law(
            checked,
            same,
            "it does not change before the instant that it announces",
            f"{score.value} and {then.value} at {then.at}",
        )


def _side(score: Score, threshold: float) -> tuple[bool, bool]:
    return score.value >= threshold, score.value > threshold


def _survives(checked: _CheckedPolicy, score: Score, lead: Lead, seen: Sequence[Activity]) -> None:
    again = Score.load(json.loads(json.dumps(score.dump())))
    _law(checked, again == score, "the score survives JSON", again)
    value = checked.declared.value(lead, seen, at=score.at)
    _law(checked, value == score.value, "value is the value of the score", f"{value} and {score.value}")
    if checked.is_data:
        copy = read_policy(json.loads(checked.declared.model_dump_json()))
        same = copy == checked.declared and copy.score(lead, seen, at=score.at) == score
        _law(checked, same, "the policy and its JSON are the same policy", copy)
