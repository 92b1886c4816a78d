"""Laws of verdicts: Kleene's logic over real views, explanations that hold, and times that are kept."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from leadlife import Activity
from leadlife.scoring.view import LeadView
from leadlife.testing import activities, at_times, leads, questions

TICK = timedelta(microseconds=1)


def everything(verdict):
    yield verdict
    for part in verdict.parts:
        yield from everything(part)


@given(questions(), questions(), leads(), activities(), at_times())
def test_joined_verdicts_obey_kleene(a, b, lead, seen, at):
    sight = LeadView(lead, seen, at)
    order = {False: 0, None: 1, True: 2}
    left, right = a.test(sight), b.test(sight)
    assert (a & b).test(sight) is min(left, right, key=order.get)
    assert (a | b).test(sight) is max(left, right, key=order.get)
    assert (~a).test(sight) is (None if left is None else not left)
    assert (~(a & b)).test(sight) is (~a | ~b).test(sight)


@given(questions(), leads(), activities(), at_times())
def test_an_explanation_worked_out_anew_gives_the_verdict(question, lead, seen, at):
    verdict = question.verdict(LeadView(lead, seen, at))
    assert verdict.recomputed() is verdict.value is question.test(LeadView(lead, seen, at))
    for part in everything(verdict):
        assert part.recomputed() is part.value


@given(questions(), leads(), activities(), at_times())
def test_the_facts_that_a_verdict_looked_at_are_all_that_it_needs(question, lead, seen, at):
    verdict = question.verdict(LeadView(lead, seen, at))
    kept = [one for one in seen if one.id in verdict.facts]
    assert question.test(LeadView(lead, kept, at)) is verdict.value


@given(questions(), leads(), activities(), at_times(), st.data())
def test_before_it_says_time_alone_changes_nothing(question, lead, seen, at, data):
    known = [one for one in seen if one.at <= at]
    verdict = question.verdict(LeadView(lead, known, at))
    latest = at + timedelta(days=400) if verdict.changes_at is None else verdict.changes_at - TICK
    assert latest >= at
    between = at + data.draw(st.integers(0, (latest - at) // TICK)) * TICK
    for then in (between, latest):
        assert question.test(LeadView(lead, known, then)) is verdict.value


@given(questions(), leads(), activities(), at_times(), st.integers(1, 10**9))
def test_what_comes_later_has_no_effect(question, lead, seen, at, later):
    more = (*seen, Activity(id="later", kind="call", at=at + later * TICK))
    assert question.verdict(LeadView(lead, seen, at)) == question.verdict(LeadView(lead, more, at))


@given(questions())
def test_a_question_is_a_value_with_a_json_form(question):
    assert type(question).model_validate_json(question.model_dump_json()) == question
