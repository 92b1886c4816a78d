"""The contract of a scoring policy, as laws that anybody's policy can be held to."""

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
from leadlife.scoring.policy import as_policy, several
from leadlife.testing.scoring import FIELDS, KINDS
from leadlife.testing.scoring import activities as some_activities
from leadlife.testing.scoring import leads as some_leads
from leadlife.testing.strategies import EPOCH, at_times

UNHURRIED = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.nested_given,
]
PHASES = [phase for phase in Phase if phase is not Phase.explain]  # our message explains, and sooner
UNHEARD_OF = "an activity nobody has heard of"
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
    """Hold a policy to the contract of :class:`ScoringPolicy`, over generated leads and activities.

    The laws: it always answers; the same input gives the same score, and is left as it was; the order of the activities
    means nothing; an activity after ``at`` has no effect; the lines add up, and everything is finite; a score survives
    JSON, and so does a policy that is data; ``value`` is the score's value; unrelated activities change nothing;
    activities said to be rising never lower the score; and until the score says that it may change by time alone, it
    stays where it is.

    A function is checked as it is used: bound, so that it never sees the future, and sees activities oldest first. An
    object that scores is called as it is.

    Args:
        policy: A policy, a named function, or an object with a name, a version and a method ``score``.
        kinds: Kinds of activity that it reads, besides those that a policy that is data names itself.
        fields: A strategy for each field that it reads, likewise.
        leads: A strategy for leads, instead of ours.
        activities: A strategy for the activities of one lead, instead of ours.
        rising: Kinds of activity that never lower the score.
        unrelated: A kind of activity that has no effect; a policy that is data says itself what it reads.
        examples: How many examples to try.

    Raises:
        AssertionError: A law is broken; the message names it and shows the smallest example found.
        Malformed: This is no policy.
    """
    held, rising = _Held(policy), several(rising)
    kinds = tuple(dict.fromkeys((*held.kinds, *several(kinds), *rising))) or KINDS
    told = {
        **{name: FIELDS.get(name, _ANYTHING) for name in held.fields},
        **dict.fromkeys(held.numbers, _NUMBERS),
        **(fields or {}),
    }
    made_leads = some_leads(told or None) if leads is None else leads
    made = some_activities(kinds) if activities is None else activities
    stray = unrelated or (UNHEARD_OF if held.says_what_it_reads else None)

    @settings(max_examples=examples, deadline=None, database=None, phases=PHASES, suppress_health_check=UNHURRIED)
    @given(made_leads, made, at_times(), st.data())
    def laws(lead: Lead, seen: Sequence[Activity], at: datetime, data: Any) -> None:
        note(f"lead: {lead.model_dump(mode='json')}")
        note(f"activities: {[one.model_dump(mode='json') for one in seen]}")
        score = _steadily(held, lead, seen, at)
        _adds_up(held, score)
        _says_the_same(held, "the order of the activities means nothing", score, lead, data.draw(st.permutations(seen)))
        later = Activity(id="later", kind=data.draw(st.sampled_from(kinds)), at=at + data.draw(_AHEAD))
        _says_the_same(held, "an activity after at has no effect", score, lead, (*seen, later))
        if stray is not None:
            extra = Activity(id="stray", kind=stray, at=at)
            _says_the_same(held, "unrelated activities change nothing", score, lead, (*seen, extra))
        for kind in rising:
            more = held.score(lead, (*seen, Activity(id="more", kind=kind, at=at)), at)
            lower = score.answered and more.answered and more.micropoints < score.micropoints
            _law(held, not lower, f"{kind!r} never lowers the score", f"{score.value} fell to {more.value}")
        _stays(held, score, lead, [one for one in seen if one.at <= at], data)
        _survives(held, score, lead, seen)

    laws()


_NUMBERS = st.integers(-5, 100)
_ANYTHING: st.SearchStrategy[Any] = st.one_of(st.integers(-5, 100), st.sampled_from(["a", "b"]), st.booleans())
_AHEAD = st.integers(1, 10**12).map(lambda number: timedelta(microseconds=number))


class _Held:
    """A policy under examination: how it is called, and what it says it reads."""

    def __init__(self, policy: Any) -> None:
        self.declared: Policy = as_policy(policy)
        self.name = self.declared.name
        inputs = set(self.declared.inputs())
        self.kinds = tuple(sorted(name for sort, name in inputs if sort == "activity" and name != "*"))
        self.fields = tuple(sorted(name for sort, name in inputs if sort == "field"))
        every = [triple for one in _everything(self.declared) for triple in one.reads()]
        self.numbers = tuple(sorted({name for _, sort, name in every if sort == "number"}))
        self.is_data = not any(isinstance(one, CustomPolicy) for one in _everything(self.declared))
        self.says_what_it_reads = self.is_data and ("activity", "*") not in inputs
        call = self.declared.call if isinstance(self.declared, CustomPolicy) else None
        self._raw: Callable[..., Any] | None = getattr(call, "score", None)

    def score(self, lead: Lead, seen: Sequence[Activity], at: datetime) -> Score:
        try:
            if self._raw is not None and isinstance(self.declared, CustomPolicy):
                return self.declared.restate(self._raw(lead, tuple(seen), at=at), at=at)
            return self.declared.score(lead, seen, at=at)
        except Exception as error:
            cause = error.__cause__ or error
            told = f"{type(cause).__name__}: {cause}"
            raise AssertionError(f"policy {self.name!r} breaks the law that it always answers: {told}") from error


def _everything(policy: Policy) -> Iterable[Policy]:
    yield policy
    for part in policy.parts():
        yield from _everything(part)


def _law(held: _Held, kept: bool, law: str, told: object) -> None:  # noqa: FBT001 - it reads as a sentence
    if not kept:
        raise AssertionError(f"policy {held.name!r} breaks the law that {law}: {told}")


def _steadily(held: _Held, lead: Lead, seen: Sequence[Activity], at: datetime) -> Score:
    before = deepcopy((lead, tuple(seen)))
    score, again = held.score(lead, seen, at), held.score(lead, seen, at)
    _law(held, (lead, tuple(seen)) == before, "it leaves its input as it was", "the lead or an activity was changed")
    _law(held, score == again, "the same input gives the same score", f"{score.value} and then {again.value}")
    return score


def _adds_up(held: _Held, score: Score) -> None:
    _law(held, isfinite(score.value), "everything is finite", score.value)
    summed = sum(line.micropoints for line in score.lines) == score.micropoints or score.scale is Scale.PROBABILITY
    _law(held, summed, "the lines add up", score.explain())
    if score.cuts:
        reached = sum(score.value * MICRO >= cut for cut in score.cuts) - 1 if score.answered else -1
        _law(held, rank(score) == reached, "the band is the highest that is reached", f"{score.value}: {score.band}")


def _says_the_same(held: _Held, law: str, score: Score, lead: Lead, seen: Sequence[Activity]) -> None:
    other = held.score(lead, tuple(seen), score.at)
    _law(held, other == score, law, f"{score.value} and {other.value}")


def _stays(held: _Held, score: Score, lead: Lead, seen: list[Activity], data: Any) -> None:
    marks = (*score.cuts, score.micropoints, score.micropoints - MICRO, score.micropoints + 3 * MICRO)
    threshold = data.draw(st.sampled_from(marks)) / MICRO
    for asked in (threshold, None):
        until = score.steady_until(asked)
        latest = _AFTER if until is None else until - timedelta(microseconds=1)
        if latest <= score.at or (asked is None and not score.bands):
            continue
        wait = data.draw(st.integers(0, (latest - score.at) // timedelta(microseconds=1)))
        then = held.score(lead, seen, data.draw(st.sampled_from([latest, score.at + timedelta(microseconds=wait)])))
        same = then.band == score.band if asked is None else _side(then, asked) == _side(score, asked)
        same = same and then.answered == score.answered
        _law(
            held,
            same,
            "it stays where it is until it says it may change",
            f"{score.value} and {then.value} at {then.at}",
        )


def _side(score: Score, threshold: float) -> tuple[bool, bool]:
    return score.value >= threshold, score.value > threshold


def _survives(held: _Held, score: Score, lead: Lead, seen: Sequence[Activity]) -> None:
    again = Score.load(json.loads(json.dumps(score.dump())))
    _law(held, again == score, "the score survives JSON", again)
    value = held.declared.value(lead, seen, at=score.at)
    _law(held, value == score.value, "value is the score's value", f"{value} and {score.value}")
    if held.is_data:
        copy = read_policy(json.loads(held.declared.model_dump_json()))
        same = copy == held.declared and copy.score(lead, seen, at=score.at) == score
        _law(held, same, "the policy and its JSON are the same policy", copy)
