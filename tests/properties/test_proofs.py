"""The checker's laws: what it calls impossible no lead does, and what it passes no walk falls into."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from leadlife import FieldSpec, Journey, Lead, Lifecycle, Playbook, Stage
from leadlife.checks import Code, check
from leadlife.checks.proofs import Budget, Goal, Proof, together
from leadlife.criteria import AllOf, ByRole, Comparison, FieldIs
from leadlife.lifecycle import StageStatus, StageType
from leadlife.scoring.view import LeadView
from leadlife.testing import activities, lifecycles
from leadlife.testing.scoring_strategies import leads, questions

T = datetime(2026, 3, 2, 9, tzinfo=UTC)


@settings(max_examples=300)
@given(
    questions(), leads(), activities(), st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
)
def test_what_a_lead_answers_is_never_called_impossible(question, lead, seen, at):
    answered = question.test(LeadView(lead, seen, at)) is True
    note(question.sentence())
    assert together([Goal(question, answered)]).proof is not Proof.IMPOSSIBLE


@settings(max_examples=200)
@given(questions(), questions(), leads(), activities())
def test_what_two_answer_of_one_lead_is_never_called_impossible(first, second, lead, seen):
    sight = LeadView(lead, seen, T)
    goals = [Goal(one, one.test(sight) is True) for one in (first, second)]
    assert together(goals).proof is not Proof.IMPOSSIBLE


LIFE = Lifecycle(
    stages=(Stage(id="a"), Stage(id="won", status=StageStatus.WON)),
    transitions=({"trigger": "win", "sources": "a", "target": "won", "kind": "forward"},),
)
PAGES = st.text("abA z", max_size=4)
DATES = st.dates(date(2026, 1, 1), date(2027, 12, 31)).map(str)
NUMBERS = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, -0.25, 2.75]))
OF_TYPE = {
    "text": (PAGES, PAGES), "integer": (st.integers(-3, 3), NUMBERS), "number": (NUMBERS, NUMBERS),
    "date": (DATES, DATES),
    "boolean": (st.booleans(), st.booleans()),
}  # fmt: skip


@st.composite
def comparisons(draw, constants):
    sort = draw(st.sampled_from([*Comparison]))
    match sort:
        case Comparison.KNOWN:
            value = None
        case Comparison.IN:
            value = draw(st.lists(constants, min_size=1, max_size=3))
        case Comparison.BETWEEN:
            value = sorted(draw(st.tuples(constants, constants)))
        case Comparison.CONTAINS | Comparison.STARTS | Comparison.ENDS:
            value = draw(constants.map(str).filter(bool))
        case _:
            value = draw(constants)
    return FieldIs(name="it", compare=sort, value=value)


@settings(max_examples=400)
@given(st.sampled_from([*OF_TYPE, None]), st.data())
def test_what_a_value_answers_is_never_called_impossible(sort, data):
    """Whatever type a field is of, and declared or not: no lead that there may be is forgotten."""
    values, constants = OF_TYPE[sort or data.draw(st.sampled_from([*OF_TYPE]))]
    asked = data.draw(st.lists(comparisons(constants), min_size=1, max_size=5))
    assume(
        sort != "date"
        or not any(one.compare in (Comparison.CONTAINS, Comparison.STARTS, Comparison.ENDS) for one in asked)
    )
    value = data.draw(st.none() | values)
    sight = LeadView(Lead(id="ada", fields={} if value is None else {"it": value}), (), T)
    playbook = Playbook(id="one", lifecycle=LIFE, fields={"it": FieldSpec(type=sort)}) if sort else None
    goals = [Goal(one, one.test(sight) is True) for one in asked]
    note(f"{value!r}: {[(goal.criterion.sentence(), goal.true) for goal in goals]}")
    assert together(goals, playbook).proof is not Proof.IMPOSSIBLE


def text(sort, value):
    return FieldIs(name="it", compare=sort, value=value)


@pytest.mark.parametrize(
    "goals",
    [
        # "b" alone: every longer text that begins with it and comes before "ba" is no plain one.
        [Goal(text("<", "a"), False), Goal(text("<", "ba"), True), Goal(text("contains", "a"), False)],
        [Goal(text("starts with", "ab"), True), Goal(text("<", "B"), True), Goal(text("contains", "~"), False)],
        [Goal(text(">", "a"), True), Goal(text("<", "b"), True), Goal(text("contains", "B"), True)],
        # Some of many: neither few of them nor nearly all.
        [Goal(text("contains", f"{part}x"), part in "cdef") for part in "abcdefgh"],
        [Goal(ByRole(names=(name,)), name in "cdef") for name in "abcdefgh"],
        [
            Goal(ByRole(names=tuple("abcdefgh")), True),
            *(Goal(ByRole(names=(name,)), name in "ceg") for name in "abcdefgh"),
        ],
    ],
)
def test_what_only_one_kind_of_value_answers_is_possible(goals):
    assert together(goals).proof is Proof.POSSIBLE


def test_a_search_that_runs_out_of_steps_decides_nothing():
    goals = [Goal(text("contains", f"{part}x"), False) for part in "abcdefgh"] + [Goal(text("<", "~"), False)]
    assert together(goals, budget=Budget(20)).proof is Proof.NOT_DECIDED


@given(questions())
def test_nothing_is_true_and_not(question):
    assert together([Goal(question, True), Goal(question, False)]).proof is not Proof.POSSIBLE
    assert together([Goal(AllOf(of=(question, ~question)), True)]).proof is not Proof.POSSIBLE


def calm(lifecycle):
    """The graph alone: nobody is asked, nothing is timed."""
    stages = tuple(
        one.replace(
            limit=None, cool_down=None, routes=(), type=StageType.INVENTORY if one.type is StageType.SLA else one.type
        )
        for one in lifecycle.stages
    )
    rules = tuple(
        rule.replace(guard=None, roles=(), on=None, pending=False, needs_reason=False, reasons=())
        for rule in lifecycle.transitions
    )
    entries = tuple(entry.replace(guard=None) for entry in lifecycle.entries)
    return lifecycle.replace(stages=stages, transitions=rules, entries=entries)


def begin(lifecycle, stage):
    return Journey.start("ada", Playbook(id="graph", lifecycle=lifecycle), stage=stage, at=T)


def ways_on(journey, at):
    """Return every move that leads elsewhere, be it that it names its target."""
    edges = [edge for edge in journey.playbook.lifecycle.edges if edge.source == journey.stage]
    asked = [(edge, journey.may(edge.trigger, at=at, target=edge.target)) for edge in edges]
    return [edge for edge, option in asked if option and option.target not in (None, journey.stage)]


@settings(max_examples=70)
@given(lifecycles().map(calm), st.data())
def test_no_walk_falls_into_what_the_checker_has_not_found(lifecycle, data):
    findings = check(lifecycle)
    trapped = {lifecycle.stages[int(one.where.split(".")[-1])].id for one in findings if one.code is Code.TRAP}
    beyond = {lifecycle.stages[int(one.where.split(".")[-1])].id for one in findings if one.code is Code.UNREACHABLE}
    random = data.draw(st.randoms(use_true_random=False))
    journey, at = begin(lifecycle, random.choice(lifecycle.entries).stage), T
    for _ in range(150):
        at += timedelta(hours=1)
        assert journey.stage not in beyond
        onward = ways_on(journey, at)
        if not onward:
            assert journey.status.closed or journey.stage in trapped
            break
        step = random.choice(onward)
        journey = journey.move(step.trigger, at=at, target=step.target)


@settings(max_examples=150)
@given(lifecycles().map(calm))
def test_every_trap_is_walked_into_by_its_story(lifecycle):
    for finding in check(lifecycle):
        if finding.code not in (Code.TRAP, Code.NO_PATH_TO_WON):
            continue
        start, *steps, _ = finding.story
        journey, at = begin(lifecycle, start.removeprefix("start at ")), T
        for step in steps:
            at += timedelta(hours=1)
            trigger, target = step.split(" to ")
            journey = journey.move(trigger, target=target, at=at)
        assert journey.stage == lifecycle.stages[int(finding.where.split(".")[-1])].id
        assert finding.code is not Code.TRAP or not ways_on(journey, at + timedelta(hours=1))
