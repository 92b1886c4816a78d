"""Every kind of criterion: its answers, when it is unknown, its facts, and when time changes it."""

import json
import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import (
    ActivityRecorded,
    Actor,
    EvidenceGiven,
    FieldChanged,
    FieldSpec,
    Journey,
    Lead,
    Malformed,
    QualificationGranted,
    QualificationWithdrawn,
    days,
    elapsed,
)
from leadlife.criteria import (
    AnyCriterion,
    CountIs,
    CustomGuard,
    FieldIs,
    Observation,
    Verdict,
    at_least,
    count,
    cycle,
    days_in_stage,
    evidence,
    field,
    first_seen,
    holds,
    in_stage,
    inactive,
    it,
    last_seen,
    latest,
    read_criterion,
    readiness,
    score,
    total,
)
from leadlife.errors import GuardError, InvalidDefinition
from leadlife.journey.view import JourneyView
from leadlife.presets import eight_stage
from leadlife.scoring.view import LeadView
from leadlife.timing import months

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
NAN = math.nan
BOOK = eight_stage().with_fields(size=FieldSpec(type="integer"), city=FieldSpec(), vip=FieldSpec(type="boolean"))


@pytest.fixture
def ada():
    return Journey.start("ada", BOOK, at=T, stage="name")


def view(journey, after=timedelta(0), *, at=None):
    at = at or journey.at + after
    return JourneyView(journey.tick(at)._data.shown, at, ())


def with_fields(journey, **fields):
    for name, value in fields.items():
        journey = journey.record(FieldChanged(name=name, value=value, at=journey.at))
    return journey


def did(journey, kind, day=0, **attributes):
    return journey.record(ActivityRecorded(kind=kind, at=T + day * DAY, attributes=attributes))


EVERY = [
    field("size").one_of(1, 2, 3),
    field("size").between(10, 50),
    field("city").contains("o"),
    field("city").starts_with("re"),
    field("city").ends_with("E"),
    field("city").known(),
    field("vip") == True,  # noqa: E712 - a criterion
    latest("form", "budget") >= 500,
    latest("form", "budget").known(),
    count("page_view", page="/pricing", within=days(7)) >= 2,
    count("page_view", page=("/pricing", "/demo"), seconds=it >= 30) >= 1,
    count(within=elapsed(hours=36)) == 0,
    count("call", where={"page-no": it.between(1, 3)}, since_recycling=True) < 3,
    total("minutes", "call", "meeting", within=months(1)) >= 30.5,
    first_seen("form").within(days(30)),
    last_seen("call").before(days(14)),
    inactive(timedelta(hours=50)),
    holds("mql"),
    evidence("fit", within=months(6)),
    in_stage("name", "target"),
    days_in_stage() >= 5,
    cycle() >= 2,
    readiness() >= "mid",
    at_least(2, evidence("fit"), holds("mql"), field("size") > 3),
]


@pytest.mark.parametrize("criterion", EVERY, ids=lambda one: one.sentence())
def test_every_kind_has_a_json_form_a_sentence_and_inputs(criterion, ada):
    again = read_criterion(criterion.model_dump_json())
    assert again == criterion
    assert again.sentence() == criterion.sentence()
    assert read_criterion(json.loads(json.dumps(criterion.model_dump(mode="json")))) == criterion
    assert not BOOK.faults_in(criterion)
    assert criterion.parts() or [*criterion.inputs()]
    assert criterion.test(view(ada)) is criterion.verdict(view(ada)).value


def test_the_sentences_can_be_read_aloud():
    assert [criterion.sentence() for criterion in EVERY] == [
        "size is one of 1, 2, 3",
        "size is between 10 and 50",
        "city contains 'o'",
        "city starts with 're'",
        "city ends with 'E'",
        "city is known",
        "vip is yes",
        "budget of the latest form is at least 500",
        "budget of the latest form is known",
        "at least 2 of page_view where page is /pricing within 7 days",
        "at least 1 of page_view where page is one of /pricing, /demo and seconds is at least 30",
        "exactly 0 of any activity within 36 hours",
        "fewer than 3 of call where page-no is between 1 and 3 since the recycling or win",
        "the sum of minutes over call or meeting within 1 month is at least 30.5",
        "first form less than 30 days ago",
        "last call at least 14 days ago",
        "last activity at least 50 hours ago",
        "holds mql",
        "evidence of fit less than 6 months old",
        "in stage name or target",
        "in the present stage for at least 5 days",
        "the cycle's number is at least 2",
        "readiness is at least mid",
        "at least 2 of: (evidence of fit; holds mql; size is more than 3)",
    ]


@pytest.mark.parametrize(
    ("criterion", "value", "answer"),
    [
        (field("size").one_of(1, 2.5, 3), 3, True),
        (field("size").one_of(1, "x"), 4, False),
        (field("size").one_of("x"), 4, None),
        (field("size").between(10, 50), 50, True),
        (field("size").between(10, 50), 9, False),
        (field("city").between("A", "M"), "Kyoto", True),
        (field("size").between("a", "b"), 9, None),
        (field("city").contains("CIF"), "Recife", True),
        (field("city").starts_with("re"), "Recife", True),
        (field("city").ends_with("E"), "Recife", True),
        (field("city").ends_with("x"), "Recife", False),
        (field("size").contains("1"), 1, None),
        (field("vip") == True, True, True),  # noqa: E712 - a criterion
        (field("vip") == 1, True, None),
        (field("vip").known(), False, True),
    ],
)
def test_values_are_compared_by_their_kind(criterion, value, answer, ada):
    assert criterion.test(view(with_fields(ada, **{criterion.name: value}))) is answer
    unanswered = False if criterion.compare == "known" else None
    assert criterion.test(view(ada)) is unanswered


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: field("size").one_of(), "at least 1 item"),
        (lambda: field("size").between(5, 1), "in this order"),
        (lambda: field("size").between(1, "x"), "in this order"),
        (lambda: field("city").contains(""), "needs a text"),
        (lambda: field("city").contains(5), "needs a text"),
        (lambda: field("city") == None, "needs one value"),  # noqa: E711 - a criterion
        (lambda: field("city") == ("a", "b"), "needs one value"),
        (lambda: field("city") >= NAN, "finite"),
        (lambda: count("call", within=days(0)) >= 1, "longer than 0"),
        (lambda: count("call", within=7) >= 1, "within"),
        (lambda: CountIs(kinds="call", compare="in", value=1), "must be one of: ==, !="),
        (lambda: CountIs(kinds="call", compare="=<", value=1), "compare"),
        (lambda: count("call", page=None) >= 1, "needs one value"),
        (lambda: total("minutes") >= "5", "value"),
        (lambda: days_in_stage() >= 2.5, "value"),
        (lambda: readiness() >= "soon", "value"),
        (lambda: at_least(3, holds("a"), holds("b")), "can never be true"),
        (lambda: at_least(0, holds("a")), "number"),
        (lambda: count("call", where={"a": 1}, a=2) >= 1, "is given twice"),
        (lambda: count("call", where=[("a", 1)]) >= 1, "a mapping of attributes"),
        (lambda: total("m", "call", where={"a": 1}, a=2) >= 1, "is given twice"),
        (lambda: total("m", "call", where=3) >= 1, "a mapping of attributes"),
        (lambda: total("m", "call") >= 10**5000, "value"),
        (lambda: score("x") >= 10**400, "value"),
        (lambda: score("x") >= 1e305, "value"),
        (lambda: read_criterion("{"), "not JSON"),
        (lambda: read_criterion({"op": "fild", "name": "secret@x.de"}), "op must be one of"),
        (in_stage, "names"),
    ],
)
def test_an_invalid_criterion_is_refused_when_it_is_made(make, message):
    with pytest.raises(Malformed, match=message):
        make()


def test_attributes_choose_the_activities_that_count(ada):
    ada = did(did(did(ada, "page_view", page="/Pricing", seconds=40), "page_view", 1, page="/blog"), "page_view", 2)
    for match, number in (
        ({"page": "/blog"}, 1),
        ({"page": it.contains("pricing")}, 1),
        ({"page": it.known()}, 2),
        ({"page": it != "/blog"}, 1),
        ({"seconds": it >= 30, "page": it.starts_with("/p")}, 1),
        ({"seconds": it >= 50, "page": it.starts_with("/p")}, 0),
        ({"page": {"/blog", "/faq"}}, 1),
    ):
        assert (count("page_view", **match) == number).test(view(ada)), match


def test_the_latest_activity_of_a_kind_is_asked(ada):
    rule = latest("form", "budget") >= 500
    assert rule.test(view(ada)) is None
    filled = did(did(ada, "form", budget=800), "form", 1, budget=100)
    assert rule.test(view(filled)) is False
    assert rule.verdict(view(filled)).facts == (filled.facts[-1].id,)
    assert rule.test(view(did(filled, "form", 2))) is None
    assert latest("form", "budget").known().test(view(did(filled, "form", 2))) is False


def test_sums_add_up_numbers_and_are_unknown_where_one_is_missing(ada):
    rule = total("minutes", "call", within=days(10)) >= 30
    assert rule.test(view(ada)) is False
    called = did(did(ada, "call", minutes=10), "call", 1, minutes=20.0)
    assert rule.test(view(called)) is True
    assert rule.verdict(view(called)).changes_at == T + 10 * DAY
    assert rule.test(view(called, at=T + 10 * DAY)) is False
    for odd in ({}, {"minutes": "ten"}, {"minutes": True}):
        assert rule.test(view(did(called, "call", 2, **odd))) is None
    huge = did(did(ada, "call", minutes=1.7e308), "call", 1, minutes=1.7e308)
    assert rule.test(view(huge)) is None


def test_how_long_ago_the_first_and_the_last_were(ada):
    assert inactive(days(14)).test(view(ada)) is None
    seen = did(did(ada, "form"), "call", 3)
    for rule, day, before, after in (
        (inactive(days(14)), 17, False, True),
        (last_seen("form").within(days(14)), 14, True, False),
        (first_seen().before(months(1)), 31, False, True),
        (first_seen("call").within(elapsed(days=2)), 5, True, False),
    ):
        at = T + day * DAY
        assert rule.verdict(view(seen)).changes_at == at
        assert (rule.test(view(seen, at=at - TICK)), rule.test(view(seen, at=at))) == (before, after)
        assert rule.verdict(view(seen, at=at)).changes_at is None
        assert len(rule.verdict(view(seen)).facts) == 1
    assert first_seen("chat").within(days(3)).verdict(view(seen)).facts == ()


def test_a_qualification_is_held_until_it_expires_or_is_withdrawn(ada):
    rule = holds("mql")
    assert rule.test(view(ada)) is False
    assert rule.verdict(view(ada)).facts == ()
    by = Actor(id="mia", roles=("marketing",))
    granted = ada.record(QualificationGranted(name="mql", expires=T + 3 * DAY, at=T, by=by))
    verdict = rule.verdict(view(granted))
    assert (verdict.value, verdict.changes_at, len(verdict.facts)) == (True, T + 3 * DAY, 1)
    assert rule.test(view(granted, at=T + 3 * DAY)) is False
    assert rule.verdict(view(granted, at=T + 3 * DAY)).changes_at is None
    gone = granted.record(QualificationWithdrawn(name="mql", at=T + DAY, by=by))
    assert (rule.test(view(gone)), rule.verdict(view(gone)).changes_at) == (False, None)
    usual = ada.record(QualificationGranted(name="mql", at=T, by=by))
    assert (rule.test(view(usual)), rule.verdict(view(usual)).changes_at) == (True, T + 90 * DAY)


def test_evidence_may_be_too_old_to_count(ada):
    rule = evidence("fit", within=days(30))
    given = ada.record(EvidenceGiven(name="fit", at=T))
    verdict = rule.verdict(view(given))
    assert (verdict.value, verdict.changes_at, len(verdict.facts)) == (True, T + 30 * DAY, 1)
    old = rule.verdict(view(given, at=T + 30 * DAY))
    assert (old.value, old.changes_at, old.facts) == (None, None, ())
    assert rule.test(view(ada)) is None


def test_stage_days_and_cycle(ada):
    assert in_stage("name").test(view(ada)) is True
    assert in_stage("target", "lead").test(view(ada)) is False
    assert in_stage("name").verdict(view(ada)).facts == (ada.facts[0].id,)
    assert (cycle() == 1).test(view(ada)) is True
    unknown = JourneyView(Journey("bo", BOOK)._data.shown, T, ())
    for rule in (in_stage("name"), days_in_stage() >= 1, cycle() == 1, readiness() == "late"):
        assert rule.test(unknown) is None
        assert rule.verdict(unknown).facts == ()
        assert rule.verdict(unknown).changes_at is None


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo", "Europe/Berlin"])
@pytest.mark.parametrize("compare", ["__ge__", "__gt__", "__le__", "__lt__", "__eq__", "__ne__"])
def test_days_in_the_present_stage_change_when_the_verdict_says(zone, compare):
    ada = Journey.start("ada", BOOK.replace(zone=zone), at=datetime(2026, 3, 26, 1, 30, tzinfo=UTC), stage="name")
    rule = getattr(days_in_stage(), compare)(3)
    at, asked = ada.at, 0
    while (change := rule.verdict(view(ada, at=at)).changes_at) is not None:
        assert rule.test(view(ada, at=change - TICK)) is rule.test(view(ada, at=at))
        at, asked = change, asked + 1
    assert asked == 2
    answers = [rule.test(view(ada, at=ada.at + number * DAY)) for number in range(8)]
    assert answers == [getattr(number, compare)(3) for number in answers_of(ada, 8)]


def answers_of(journey, most):
    zone = journey.playbook.zone_info
    start = journey.at.astimezone(zone).replace(tzinfo=None)
    return [((journey.at + n * DAY).astimezone(zone).replace(tzinfo=None) - start).days for n in range(most)]


class Ready:
    """A view that has a readiness and nothing else."""

    at = T

    def __init__(self, segment):
        self.readiness = None if segment is None else Observation(segment, T, "fact", 1)


@pytest.mark.parametrize(("segment", "answer"), [("early", False), ("mid", True), ("late", True), (None, None)])
def test_readiness_is_ordered(segment, answer):
    rule = readiness() >= "mid"
    assert rule.test(Ready(segment)) is answer
    assert rule.verdict(Ready(segment)).facts == (() if segment is None else ("fact",))


TERNARY = st.sampled_from([True, False, None])


@given(st.lists(TERNARY, min_size=1, max_size=5), st.data())
def test_at_least_is_kleenes(answers, data):
    number = data.draw(st.integers(1, len(answers)))
    whole = at_least(number, *(CustomGuard(name="x", call=lambda _view, a=answer: a) for answer in answers))
    filled = {
        sum(option) >= number
        for option in (
            [bits >> place & 1 if answer is None else int(answer) for place, answer in enumerate(answers)]
            for bits in range(2 ** len(answers))
        )
    }
    expected = filled.pop() if len(filled) == 1 else None
    assert whole.test(None) is expected
    assert whole.verdict(None).recomputed() is expected


def test_a_verdict_can_be_read_as_a_tree(ada):
    rule = (count("call", within=days(7)) >= 1) & (evidence("fit") | ~in_stage("name"))
    verdict = rule.verdict(view(did(ada, "call")))
    assert verdict.tree() == (
        "unknown: at least 1 of call within 7 days and (evidence of fit or not (in stage name))\n"
        "  true: at least 1 of call within 7 days (there is 1), until 2026-03-09 09:00 at least\n"
        "  unknown: evidence of fit or not (in stage name)\n"
        "    unknown: evidence of fit\n"
        "    false: not (in stage name)\n"
        "      true: in stage name"
    )
    assert verdict.recomputed() is None
    assert Verdict("leaf", True).recomputed() is True


def test_a_criterion_that_was_asked_is_still_a_value(ada):
    import copy
    import pickle

    rule = (field("size") >= 3) & holds("mql")
    rule.test(view(ada))
    assert rule == (field("size") >= 3) & holds("mql")
    for twin in (pickle.loads(pickle.dumps(rule)), copy.deepcopy(rule)):
        assert twin == rule
        assert twin.test(view(ada)) is False


def test_a_criterion_from_elsewhere_is_refused_without_its_values():
    with pytest.raises(InvalidDefinition) as error:
        read_criterion({"op": "and", "of": [{"op": "fild", "name": "secret@x.de"}]})
    assert "secret" not in str(error.value)
    assert len(error.value.faults) == 1


def test_a_day_that_was_over_stays_over_where_clocks_fall_back_past_midnight():
    book = BOOK.replace(zone="America/St_Johns")
    ada = Journey.start("ada", book, at=datetime(2009, 10, 28, 2, 30, tzinfo=UTC), stage="name")  # midnight there
    turned = datetime(2009, 11, 1, 2, 31, tzinfo=UTC)  # 00:01 becomes 23:01 of the day before
    for minutes in (-0.5, 0, 10, 59, 70):
        assert (days_in_stage() >= 4).test(view(ada, at=turned + timedelta(minutes=minutes))) is True
    assert (days_in_stage() >= 4).test(view(ada, at=turned - timedelta(minutes=2))) is False


@pytest.mark.parametrize(
    ("zone", "window", "calls", "ends"),
    [
        ("UTC", months(1), [(2026, 3, 30, 12), (2026, 3, 31, 9)], (2026, 4, 30, 9)),
        ("Europe/Berlin", days(1), [(2026, 10, 25, 0, 30), (2026, 10, 25, 1, 10)], (2026, 10, 26, 1, 10)),
    ],
)
def test_who_came_first_does_not_always_go_first(zone, window, calls, ends):
    ada = Journey.start("ada", BOOK.replace(zone=zone), at=datetime(2026, 3, 1, tzinfo=UTC), stage="name")
    for call in calls:
        ada = ada.record(ActivityRecorded(kind="call", at=datetime(*call, tzinfo=UTC)))
    rule = count("call", within=window) >= 2
    until = rule.verdict(view(ada)).changes_at
    assert until <= datetime(*ends, tzinfo=UTC)
    assert rule.test(view(ada, at=until - TICK)) is True


def test_true_is_not_one_and_one_is_one():
    one, yes = FieldIs(name="x", compare="==", value=1), FieldIs(name="x", compare="==", value=True)
    assert one != yes
    assert len({one, yes, FieldIs(name="x", compare="==", value=1.0)}) == 2
    assert FieldIs(name="x", compare="==", value=1.0).model_dump_json() == one.model_dump_json()
    assert one != "x"


class TestPartsThatBreak:
    """A part that breaks matters only where the others leave the answer open."""

    BROKEN = CustomGuard(name="broken", call=lambda view: 1 / 0)
    TRUE = CustomGuard(name="yes", call=lambda view: True)
    FALSE = CustomGuard(name="no", call=lambda view: False)
    UNKNOWN = CustomGuard(name="maybe", call=lambda view: None)

    @pytest.mark.parametrize(
        ("joined", "answer"),
        [
            (lambda b, t, f, u: t | b, True),
            (lambda b, t, f, u: b | t, True),
            (lambda b, t, f, u: f & b, False),
            (lambda b, t, f, u: b & f, False),
            (lambda b, t, f, u: u & b & f, False),
            (lambda b, t, f, u: at_least(2, t, b, t), True),
            (lambda b, t, f, u: at_least(2, b, f, f), False),
            (lambda b, t, f, u: (b & f) | t, True),
            (lambda b, t, f, u: ~(b & f), True),
            (lambda b, t, f, u: at_least(1, b & t, f, t), True),
            (lambda b, t, f, u: f | b, "broken"),
            (lambda b, t, f, u: b | u, "broken"),
            (lambda b, t, f, u: t & b, "broken"),
            (lambda b, t, f, u: ~b, "broken"),
            (lambda b, t, f, u: at_least(2, b, t, f), "broken"),
        ],
    )
    def test_as_in_kleenes_logic_or_as_an_error(self, joined, answer):
        whole = joined(self.BROKEN, self.TRUE, self.FALSE, self.UNKNOWN)
        view = LeadView(Lead(id="ada"), (), T)
        if answer == "broken":
            with pytest.raises(GuardError, match="broken"):
                whole.test(view)
            return
        assert whole.test(view) is answer
        verdict = whole.verdict(view)
        assert verdict.value is verdict.recomputed() is answer

    def test_outside_a_journey_custom_code_sees_the_view_itself(self):
        seen = LeadView(Lead(id="ada"), (), T)
        assert seen.reviewed() is seen

    def test_the_verdict_shows_which_part_is_not_answered_and_why(self):
        verdict = (self.BROKEN | self.TRUE).verdict(LeadView(Lead(id="ada"), (), T))
        assert verdict.parts[0].word == "not answered"
        assert "raised ZeroDivisionError" in verdict.tree()
        assert verdict.to_dict()["parts"][0]["failure"]
        assert verdict.changes_at == T  # nobody knows when it will answer
        assert (self.BROKEN | self.TRUE).changes_at(LeadView(Lead(id="ada"), (), T)) == T


def test_the_docs_list_every_op():
    ops = [tag.tag for kind in get_args(get_args(AnyCriterion)[0]) for tag in get_args(kind)[1:] if hasattr(tag, "tag")]
    page = (Path(__file__).parents[2] / "docs" / "criteria.md").read_text()
    listed = page[page.index("The values of `op` are") :].partition("A comparison is")[0]
    assert sorted(re.findall(r"`(\w+)`", listed)[1:]) == sorted(ops)
