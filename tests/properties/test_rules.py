"""The laws of what moves by itself, over generated agreements and unruly histories."""

import operator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from hypothesis import assume, given
from hypothesis import strategies as st

from leadlife import ActivityRecorded, Journey, QualificationGranted, QualificationWithdrawn, Retracted
from leadlife._base.model import LATEST
from leadlife.criteria import count
from leadlife.journey import rule_evaluation
from leadlife.journey.memory import oldest_first
from leadlife.journey.records import Step
from leadlife.journey.rule_evaluation import _Evaluation
from leadlife.presets import PRESETS
from leadlife.qualification.rules import Hysteresis, QualificationRule
from leadlife.scoring import MICRO
from leadlife.scoring.score_bounds import NearScore
from leadlife.scoring.view import LeadView
from leadlife.testing import activities, at_times, fact_drafts, histories, leads, playbooks, points_policies
from leadlife.testing.rule_strategies import with_rules
from leadlife.timing import earliest

TICK = timedelta(microseconds=1)


@st.composite
def told(draw, **options):
    playbook = draw(playbooks().flatmap(lambda one: st.just(one) if one.rule_index else with_rules(one)))
    return draw(histories(playbook, **options))


def concluded(journey):
    """Return all that is concluded, without when to look again."""
    rules = journey._data.shown.rules
    held = {
        name: (known.held, known.since, known.expires, known.by, known.evidence)
        for name, known in ({} if rules is None else rules.by_name).items()
        if known.held
    }
    near = None if rules is None or rules.readiness is None else rules.readiness.segment
    return journey.stage, held, near, tuple(str(line) for line in journey.explain()), journey.derived


class Everything(_Evaluation):
    """Evaluates every rule every time, whatever has changed."""

    def has_work(self):
        super().has_work()
        self.waiting = self.index.every
        return True

    def _may_move(self):
        return bool(self.moves)


def all_concerned(state, position, rules, at, kind):
    """Return every rule that reads a kind of activity, however little it adds."""
    return rule_evaluation.ConcernedRules(*position.playbook.rule_index.of_activity(kind), 0, None), rules


@contextmanager
def evaluating_everything():
    """Leave nothing out: every rule is evaluated after every fact."""
    evaluate_all = patch.multiple(
        rule_evaluation, _Evaluation=Everything, concerned_rules=all_concerned, only_renews=lambda *_: False
    )
    with evaluate_all:
        yield


@given(told())
def test_evaluating_only_what_has_changed_concludes_what_evaluating_everything_does(journey):
    if not journey.facts:
        return
    with evaluating_everything():
        whole = Journey.replay(journey.facts, journey.playbook)
    assert concluded(whole) == concluded(Journey.replay(journey.facts, journey.playbook))


@given(st.data(), at_times(within_days=90))
def test_ticking_anywhere_changes_nothing_that_follows(data, until):
    playbook = data.draw(playbooks())
    drafts = sorted(data.draw(st.lists(fact_drafts(playbook), max_size=8)), key=lambda fact: fact.at)
    one = two = Journey("x", playbook)
    for draft in drafts:
        for at in data.draw(st.lists(at_times(within_days=90), max_size=2)):
            if two.at is None or at >= two.at:
                assert two.tick(at).tick(max(at, draft.at)).stage == two.tick(max(at, draft.at)).stage
        one, two = one.record(draft), two.record(draft)
    if one.at is None or until >= one.at:
        steps = [at for at in sorted(data.draw(st.lists(at_times(within_days=90), max_size=4))) if at <= until]
        ticked = two
        for at in steps:
            if ticked.at is None or at >= ticked.at:
                ticked = ticked.tick(at)
        assert concluded(ticked.tick(until)) == concluded(one.tick(until))


@given(told(), at_times(within_days=90))
def test_between_wakings_nothing_changes_and_each_waking_is_announced(journey, until):
    told_before = journey
    for _ in range(60):
        wake = told_before.wake_at
        if wake is None or wake.at > until:
            break
        if wake.at - TICK > told_before.at:
            assert concluded(told_before.tick(wake.at - TICK)) == concluded(told_before)
        told_before = told_before.tick(wake.at)
    else:
        return
    if told_before.at is not None and until >= told_before.at:
        assert concluded(told_before.tick(until)) == concluded(told_before)


@given(told())
def test_automatic_moves_rest_within_the_bound_and_derived_facts_have_causes(journey):
    known = {fact.id for fact in journey.facts}
    at_once = {}
    for fact in journey.derived:
        assert fact.caused_by in known
        known.add(fact.id)
    for line in settling_steps(journey):
        at_once[line] = at_once.get(line, 0) + 1
    assert all(number <= len(journey.playbook.lifecycle.stages) for number in at_once.values())


def settling_steps(journey):
    steps = (entry for entry in oldest_first(journey._data.shown.history) if isinstance(entry, Step))
    return [(step.at, step.fact) for step in steps if step.automatic and step.fact]


@given(told(), st.data())
def test_taking_a_fact_back_leaves_what_never_knew_it(journey, data):
    candidates = [entry.fact for entry in journey.log if entry.status in ("stands", "refused", "redundant")]
    kept = [fact for fact in candidates if not isinstance(fact, Retracted)]
    assume(kept)
    target = data.draw(st.sampled_from(kept))
    rivals = [entry for entry in journey.log if entry.fact.key == target.key]
    assume(len(rivals) == 1)
    without = [fact for fact in journey.facts if fact.id != target.id]
    assume(without)
    taken = journey.record(Retracted(target=target.id, at=journey.at))
    never = Journey.replay(without, journey.playbook).tick(taken.at)
    assert concluded(taken) == concluded(never)


@given(st.lists(st.tuples(at_times(), st.sampled_from(["call", "page_view", "download"])), max_size=12))
def test_hysteresis_never_flaps_on_a_constant_signal(seen):
    held = Hysteresis(enter=count("call") >= 2, leave=count("page_view") >= 3)
    rule = QualificationRule(name="mine", enter=held.enter, leave=held.leave)
    book = PRESETS["mql_pql_sql"]().with_qualifications(rule)
    journey = Journey.start("x", book, at=min([at for at, _ in seen], default=at_zero()))
    turns = []
    for at, kind in sorted(seen):
        before = "mine" in journey.qualifications
        journey = journey.record(ActivityRecorded(kind=kind, at=at))
        turns.append((before, "mine" in journey.qualifications, kind))
    told_of = [fact for fact in journey.derived if getattr(fact, "name", None) == "mine"]
    kinds = [type(fact) for fact in told_of]
    assert kinds == [QualificationGranted, QualificationWithdrawn][: len(kinds)]  # in once, out once, and never back


def at_zero():
    from leadlife.testing.strategies import EPOCH

    return EPOCH


@given(points_policies(), leads(), activities(), at_times())
def test_a_glance_comes_to_what_the_ledger_does(policy, lead, seen, at):
    sight = policy._own(LeadView(lead, seen, at))
    glance, whole = policy.summary_of(sight), policy.assess(sight)
    if isinstance(glance, NearScore):
        low, high = glance.bounds
        assert low <= whole.micropoints <= high
        # A threshold is decided as the ledger decides it, far from the sum and on it.
        lower = (whole.micropoints * share // 8 for share in (4, 6, 7))
        for threshold in {whole.micropoints, whole.micropoints + 1, low, high + 1, 0, *lower, *whole.cuts}:
            for relation in (operator.lt, operator.le, operator.eq, operator.ne, operator.ge, operator.gt):
                assert glance.compares(relation, threshold / MICRO) == whole.compares(relation, threshold / MICRO)
            # Before the instant that it announces, half-lives do not take the sum across.
            steady = earliest((glance.fades_from(threshold / MICRO), glance.changes_at)) or LATEST
            for hours in (1, 30, 400):
                later = at + timedelta(hours=hours)
                if later < steady:
                    known = [one for one in seen if one.at <= at]
                    then = policy.assess(policy._own(LeadView(lead, known, later)))
                    for relation in (operator.lt, operator.ge):
                        assert then.compares(relation, threshold / MICRO) == whole.compares(relation, threshold / MICRO)
        glance_band = glance.band
        assert (glance_band, glance.bands) == (whole.band, whole.bands)
        glance = glance.exact
    if glance is not None:
        assert (glance.micropoints, glance.band, glance.answered) == (whole.micropoints, whole.band, whole.answered)
        assert whole.changes_at is None or glance.changes_at is None or glance.changes_at >= whole.changes_at
