"""The laws of a playbook: walks through a user's own definition, legal and hostile, on time and late."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from leadlife.checks import Code, Severity, check
from leadlife.criteria import (
    CountIs,
    Criterion,
    CustomGuard,
    HasEvidence,
    HoldsQualification,
    IsIdentified,
    IsSold,
    leaves_of,
)
from leadlife.errors import LeadlifeError, Malformed, MoveRefused
from leadlife.facts import (
    ActivityRecorded,
    EvidenceGiven,
    Fact,
    Identified,
    RuleFailed,
    Sold,
    Started,
    load_fact,
)
from leadlife.io.playbook_files import as_playbook, dump_playbook, parse_json
from leadlife.journey import Journey, Option, Snapshot
from leadlife.leads import Actor
from leadlife.playbook.playbook import Playbook
from leadlife.scoring import CustomPolicy, Policy
from leadlife.testing.contract import PHASES, UNHURRIED
from leadlife.testing.strategies import EPOCH, fact_drafts

TICK = timedelta(microseconds=1)
LONGEST_WALK = 12
MOST_AT_ONCE = 5
NOTE = "as generated"
_WAITS = [timedelta(), TICK, timedelta(minutes=1), timedelta(hours=7), timedelta(days=1), timedelta(days=40)]


def check_playbook(playbook: Any, *, examples: int = 50, ignore: Iterable[Code | str] = ()) -> None:
    """Hold a playbook to the laws, over walks made from its own words.

    The laws: the checker finds no error; a lead stands only where a declared move leads; whatever is allowed can be
    done; guards, rules and policies answer, and the same each time they are asked; automatic moves come to rest; when
    somebody looks changes nothing, and nothing happens by time that was not announced; the log replays in any order,
    from JSON and from a snapshot, to the same journey; and the playbook's file is the playbook.

    Some walks go as an actor with every role would, some are hostile: facts in the wrong order, late, and illegal.

    Args:
        playbook: The playbook.
        examples: How many walks to try.
        ignore: Findings of the checker that are meant, by their codes.

    Raises:
        AssertionError: A law is broken; the message names it and shows the shortest walk found.
        Malformed: This is no playbook.
    """
    if not isinstance(playbook, Playbook):
        raise Malformed("this is no playbook", hint="make one, or take leadlife.presets.eight_stage()")
    _proved(playbook, {str(one) for one in ignore})
    _filed(playbook)

    @settings(max_examples=examples, deadline=None, database=None, phases=PHASES, suppress_health_check=UNHURRIED)
    @given(st.data())
    def laws(data: Any) -> None:
        journey = _walked(data.draw, playbook)
        note(f"the walk:\n{journey.explain()}")
        _stays_on_the_graph(journey)
        _rules_answer(journey)
        _guards_answer(journey, data)
        _scores_answer(journey)
        _tells_the_same(journey, data)
        _waits(journey, data)

    try:
        laws()
    except Flaky as error:
        # Hypothesis could not repeat a walk: code in the playbook answers by something else than the lead.
        told = [str(one) for one in getattr(error, "exceptions", ()) if isinstance(one, AssertionError)]
        law = "what it does can be repeated"
        raise AssertionError(f"playbook {playbook.id!r} breaks the law that {law}: {'; '.join(told)}") from error


def _law(playbook: Playbook, kept: bool, law: str, told: object) -> None:  # noqa: FBT001 - it reads as a sentence
    if not kept:
        raise AssertionError(f"playbook {playbook.id!r} breaks the law that {law}: {told}")


def _proved(playbook: Playbook, ignored: set[str]) -> None:
    errors = [one for one in check(playbook) if one.severity is Severity.ERROR and one.code.value not in ignored]
    told = "\n".join(str(one) for one in errors)
    _law(playbook, not errors, "the checker finds no error", told)


def _filed(playbook: Playbook) -> None:
    calls = {part.name: part.call for policy in playbook.scores for part in _bound_in(policy)}
    leaves = (leaf for _, criterion in playbook.criteria() for leaf in leaves_of(criterion))
    guards = {leaf.name: leaf.call for leaf in leaves if isinstance(leaf, CustomGuard)}
    again = as_playbook(parse_json(dump_playbook(playbook)), policies=calls, guards=guards)
    _law(playbook, again.digest == playbook.digest, "its file is the playbook", "loaded, it says something else")


def _bound_in(policy: Policy) -> Iterator[CustomPolicy]:
    if isinstance(policy, CustomPolicy) and policy.call is not None:
        yield policy
    for part in policy.parts():
        yield from _bound_in(part)


@st.composite
def walks(draw: st.DrawFn, playbook: Playbook) -> Journey:
    """Generate a lead's walk through a playbook: a start, then moves that are allowed, and facts of every sort."""
    return _walked(draw, playbook)


def _walked(draw: Callable[..., Any], playbook: Playbook) -> Journey:
    journey = Journey("walker", playbook)
    entries = [entry.stage for entry in playbook.lifecycle.entries_for(referral=False)]
    journey = journey.record(Started(stage=draw(st.sampled_from(entries)), playbook=playbook.ref, at=EPOCH))
    everybody = _everybody(playbook)
    for _ in range(draw(st.integers(0, LONGEST_WALK))):
        at = draw(_instants(journey))
        match draw(st.sampled_from(["fact", "late", "move", "move", "towards", "towards"])):
            case "move":
                journey = _moved(draw, journey, at, everybody)
            case "towards":
                journey = _led_on(draw, journey, at, everybody)
            case sort:
                early = st.integers(0, 9).map(lambda days: EPOCH + timedelta(days=days))
                when = st.just(at) if sort == "fact" else early
                draft = draw(fact_drafts(playbook, when, actors=[everybody, Actor(id="somebody")]))
                journey = journey.record(draft)
    return journey


def _led_on(draw: Callable[..., Any], journey: Journey, at: datetime, by: Actor) -> Journey:
    """Return the journey after facts that speak for one of the moves from here."""
    edges = [edge for edge in journey.playbook.lifecycle.edges if edge.source == journey.stage and edge.guards]
    if edges:
        edge = draw(st.sampled_from(edges))
        for guard in edge.guards:
            for place, fact in enumerate(_speaking_for(guard, journey.playbook)):
                journey = journey.record(fact.replace(at=at + place * TICK, by=by))
    return journey


def _speaking_for(criterion: Criterion, playbook: Playbook) -> Iterator[Fact]:
    """Yield facts that make a criterion true, as far as single facts can."""
    for leaf in leaves_of(criterion):
        match leaf:
            case HasEvidence():
                yield EvidenceGiven(name=leaf.name, at=EPOCH)
            case HoldsQualification() if leaf.name in playbook.qualification_by_name:
                enter = playbook.qualification_by_name[leaf.name].enter
                yield from () if enter is None else _speaking_for(enter, playbook)
            case CountIs():
                kind = next(iter(leaf.kinds or playbook.activity_kinds), None)
                if kind is not None:
                    yield from (ActivityRecorded(kind=kind, at=EPOCH) for _ in range(min(leaf.value, MOST_AT_ONCE)))
            case IsIdentified():
                yield Identified(at=EPOCH)
            case IsSold():
                yield Sold(at=EPOCH)


def _everybody(playbook: Playbook) -> Actor:
    roles = [role for rule in playbook.lifecycle.transitions for role in rule.roles]
    roles += [role for rule in playbook.qualifications for role in rule.granted_by]
    return Actor(id="everybody", roles=tuple(dict.fromkeys(roles)))


def _instants(journey: Journey) -> st.SearchStrategy[datetime]:
    """Generate instants from now on: soon, late, and about when something is due."""
    now = journey.at or EPOCH
    marks = [now + wait for wait in _WAITS]
    wake = journey.wake_at
    if wake is not None:
        marks += [wake.at, max(wake.at - TICK, now)]
    return st.sampled_from(sorted(set(marks)))


def _moved(draw: Callable[..., Any], journey: Journey, at: datetime, by: Actor) -> Journey:
    """Return the journey after one of the moves that are allowed, if there is one."""
    allowed = [one for one in _options(journey, at, by) if one]
    if not allowed:
        return journey
    option = draw(st.sampled_from(allowed))
    try:
        return journey.move(option.trigger, at=at, by=by, reason=_reason(option), note=NOTE)
    except MoveRefused as error:
        told = f"{option.trigger} at {at}: {error}"
        raise AssertionError(
            f"playbook {journey.playbook.id!r} breaks the law that whatever is allowed can be done: {told}"
        ) from error


def _options(journey: Journey, at: datetime, by: Actor) -> list[Option]:
    """Return what may be done, with a reason where one is needed."""
    found: list[Option] = []
    for trigger in journey.playbook.lifecycle.table.triggers:
        option = journey.may(trigger, at=at, by=by, note=NOTE)
        reason = _reason(option)
        found.append(option if reason is None else journey.may(trigger, at=at, by=by, reason=reason, note=NOTE))
    return found


def _reason(option: Option) -> str | None:
    return option.reasons[0] if option.needs_reason and option.reasons else None


def _stays_on_the_graph(journey: Journey) -> None:
    playbook = journey.playbook
    declared = {(edge.source, edge.target) for edge in playbook.lifecycle.edges}
    places = [visit.stage for visit in journey.visits]
    for here, there in pairwise(places):
        _law(playbook, (here, there) in declared, "a lead stands only where a declared move leads", f"{here} > {there}")


def _rules_answer(journey: Journey) -> None:
    playbook = journey.playbook
    for fact in journey.derived:
        if isinstance(fact, RuleFailed):
            law = "automatic moves come to rest" if fact.code == "unsettled" else "its rules can be judged"
            _law(playbook, False, law, f"{fact.rule}: {fact.message}")


def _guards_answer(journey: Journey, data: Any) -> None:
    playbook, by, at = journey.playbook, _everybody(journey.playbook), data.draw(_instants(journey))
    for option, again in zip(_options(journey, at, by), _options(journey, at, by), strict=True):
        broken = [one for one in option.refusals if str(one.code) == "guard_failed"]
        _law(playbook, not broken, "its guards answer", f"{option.trigger}: {broken[0].message if broken else ''}")
        _law(playbook, option == again, "its guards answer the same each time", f"{option.trigger} at {at}")


def _scores_answer(journey: Journey) -> None:
    playbook = journey.playbook
    for policy in playbook.scores:
        try:
            one, other = (journey.score(policy.name, at=journey.at or EPOCH) for _ in range(2))
        except LeadlifeError as error:
            _law(playbook, False, "its policies answer", f"{policy.name}: {error.message}")
        else:
            _law(playbook, one == other, "its policies answer the same each time", f"{one!r} and {other!r}")


def _tells_the_same(journey: Journey, data: Any) -> None:
    playbook, law = journey.playbook, "a log replays to the same journey"
    facts = [load_fact(json.dumps(fact.dump())) for fact in journey.facts]
    again = Journey.replay(data.draw(st.permutations(facts)), playbook)
    _law(playbook, again == journey and again.derived == journey.derived, law, f"{journey!r} and {again!r}")
    saved = Snapshot.load(json.loads(json.dumps(journey.snapshot().dump())))
    resumed = Journey.resume(saved, facts, playbook)
    _law(playbook, resumed == journey, "a snapshot resumes the same journey", f"{journey!r} and {resumed!r}")


def _waits(journey: Journey, data: Any) -> None:
    playbook, end = journey.playbook, (journey.at or EPOCH) + timedelta(days=data.draw(st.integers(0, 120)))
    looked = journey
    for _ in range(data.draw(st.integers(1, 4))):
        looked = looked.tick(min(data.draw(_instants(looked)), end))
    law = "when somebody looks changes nothing"
    one, other = looked.tick(end), journey.tick(end)
    _law(playbook, _said(one) == _said(other), law, f"{one!r} and {other!r} at {end}")
    wake = journey.wake_at
    almost = end if wake is None else min(end, wake.at - TICK)
    if journey.at is not None and almost > journey.at:
        law = "nothing happens by time that was not announced"
        _law(playbook, _said(journey.tick(almost)) == _said(journey), law, f"something did before {almost}")


def _said(journey: Journey) -> tuple[object, ...]:
    return journey.stage, journey.readiness, tuple(journey.qualifications), journey.derived
