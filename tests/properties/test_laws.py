"""The laws of the fold, over generated playbooks and unruly histories."""

import random
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from leadlife import Journey, Malformed, MoveRefused, Retracted, load_fact
from leadlife.journey import Snapshot
from leadlife.journey.memory import newest_first
from leadlife.journey.records import Step
from leadlife.lifecycle.stages import StageStatus
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.testing import at_times, fact_drafts, histories, playbooks


@st.composite
def told(draw, **options):
    playbook = draw(playbooks())
    return draw(histories(playbook, **options))


def steps_of(journey):
    return [entry for entry in newest_first(journey._data.shown.history) if isinstance(entry, Step)]


def story(journey):
    return journey._data.shown.content()


@given(told(), st.randoms(use_true_random=False))
def test_replaying_a_shuffled_log_gives_the_same_journey(journey, rng):
    facts = list(journey.facts)
    if not facts:
        return
    rng.shuffle(facts)
    again = Journey.replay(facts, journey.playbook)
    assert again == journey
    assert again.derived == journey.derived
    assert again.log == journey.log


@given(told())
def test_derived_facts_in_a_log_are_ignored_by_replay(journey):
    if journey.facts:
        assert Journey.replay((*journey.derived, *journey.facts), journey.playbook) == journey


@given(st.data())
def test_recording_in_another_order_gives_the_same_state(data):
    playbook = data.draw(playbooks())
    drafts = data.draw(st.lists(fact_drafts(playbook), max_size=10, unique_by=lambda fact: fact.at))
    one = two = Journey("x", playbook)
    for draft in drafts:
        one = one.record(draft)
    for draft in data.draw(st.permutations(drafts)):
        two = two.record(draft)
    assert story(one) == story(two)


@given(told(), at_times())
def test_as_of_is_the_fold_of_the_standing_facts_until_then(journey, at):
    kept = [entry.fact for entry in journey.log if entry.status not in ("conflicting", "retracted")]
    kept = [fact for fact in kept if fact.at <= at and not isinstance(fact, Retracted)]
    then = journey.as_of(at=at)
    if kept:
        assert story(Journey.replay(kept, journey.playbook).as_of(at=at)) == story(then)
    else:
        assert then.stage is None


@given(told(), at_times(), st.data())
def test_what_is_recorded_later_never_changes_what_was_known(journey, at, data):
    moment = max([at, *(fact.recorded_at for fact in journey.facts)])
    before = journey.as_of(recorded_at=moment)
    grown = journey
    for draft in data.draw(st.lists(fact_drafts(journey.playbook), max_size=4)):
        later = max(moment, draft.at) + timedelta(seconds=1)
        grown = grown.record(draft, now=later)
    for fact in journey.facts[:1]:
        grown = grown.record(Retracted(target=fact.id, at=at), now=moment + timedelta(seconds=1))
    assert grown.as_of(recorded_at=moment) == before


@given(told(), at_times(within_days=120), st.lists(at_times(within_days=120)))
def test_ticking_at_any_instants_or_never_gives_the_same(journey, at, instants):
    ticked = journey
    for instant in sorted(instants):
        if ticked._data.present is None or instant >= ticked._data.present:
            ticked = ticked.tick(instant)
    assert story(ticked.as_of(at=at)) == story(journey.as_of(at=at))


@given(told(), st.data())
def test_ticking_in_between_does_not_change_what_is_recorded_next(journey, data):
    draft = data.draw(fact_drafts(journey.playbook))
    last = journey.at
    ticked = journey if last is None else journey.tick(last + timedelta(days=data.draw(st.integers(0, 40))))
    assert ticked.record(draft) == journey.record(draft)


@given(told(), st.data(), at_times(within_days=120), at_times(within_days=120))
def test_a_planned_fact_changes_nothing_before_its_time_and_then_what_it_would(journey, data, now, until):
    draft = data.draw(fact_drafts(journey.playbook))
    present = now if journey.at is None else max(now, journey.at)
    if draft.at <= present:
        return
    planned = journey.record(draft, now=present)
    assert planned.facts[-1].recorded_at == present
    assert planned.receipt.status in ("planned", "retracted", "conflicting")
    looked = max(until, present)
    if looked < draft.at:
        assert story(planned.tick(looked)) == story(journey.tick(looked))
        assert planned.wake_at.at <= draft.at
    else:
        assert story(planned.tick(looked)) == story(journey.record(draft, now=draft.at).tick(looked))


@given(told())
def test_resuming_equals_replaying(journey):
    if not journey.facts:
        return
    snapshot = Snapshot.load(journey.snapshot().dump())
    assert Journey.resume(snapshot, journey.facts, journey.playbook) == journey
    stale = Journey.replay(journey.facts[:1], journey.playbook).snapshot()
    assert Journey.resume(stale, journey.facts, journey.playbook) == journey


@given(told(), at_times(within_days=120))
def test_what_pends_belongs_to_the_running_cycle_and_to_an_open_stage(journey, at):
    then = journey.as_of(at=at)
    if then.pending:
        assert then.status is StageStatus.OPEN
        assert then.cycle is not None
        standing = {entry.fact.id: entry for entry in then.log}
        for one in then.pending:
            assert one.at >= then.cycle.opened
            # A fact that fired another trigger at once stands, though one of its orders still pends.
            fired = one.fact in {step.fact for step in steps_of(then) if not step.automatic}
            assert standing[one.fact].status == ("stands" if fired else "pending")
            assert (one.fact, one.trigger) not in {(step.ordered_by, step.trigger) for step in steps_of(then)}


@given(told())
def test_the_high_water_mark_never_falls_along_a_fold(journey):
    rank = journey.playbook.lifecycle.table.rank
    ever, cycles = -1, {}
    for at in sorted({fact.at for fact in journey.facts}):
        then = journey.as_of(at=at)
        now = rank.get(then.high_water or "", -1)
        assert now >= ever
        ever = now
        for cycle in then.cycles:
            mark = rank.get(cycle.high_water or "", -1)
            assert mark >= cycles.get(cycle.number, -1)
            cycles[cycle.number] = mark


@given(told())
def test_every_visit_follows_a_declared_move(journey):
    edges = {(edge.source, edge.target) for edge in journey.playbook.lifecycle.edges}
    visits = journey.visits
    for before, after in zip(visits, visits[1:], strict=False):
        assert (before.stage, after.stage) in edges
        assert before.left == after.entered
    if visits:
        assert journey.stage == visits[-1].stage


@given(told())
def test_reentries_since_the_last_standing_win_stay_within_the_limit(journey):
    limits = {stage.id: stage.reentry_limit for stage in journey.playbook.lifecycle.stages}
    counts = {}
    for cycle in journey.cycles:
        if cycle.reentry_from is not None:
            counts[cycle.reentry_from] = counts.get(cycle.reentry_from, 0) + 1
        for stage, number in counts.items():
            assert limits[stage] is None or number <= limits[stage]
        if cycle.outcome is StageStatus.WON:
            counts = {}


@given(told())
def test_a_cycle_runs_exactly_while_the_lead_stands_in_an_open_stage(journey):
    for cycle in journey.cycles[:-1]:
        assert cycle.outcome is not None
    if journey.status is StageStatus.OPEN:
        assert journey.cycle is not None
        assert journey.cycle.outcome is None
    elif journey.status is StageStatus.RECYCLED:
        assert journey.cycle is None
    elif journey.cycle is not None:
        assert journey.cycle.outcome is journey.status
        assert journey.cycle.ended is not None


@given(told())
def test_dump_and_load_are_the_identity(journey):
    for fact in (*journey.facts, *journey.derived):
        assert load_fact(fact.dump()) == fact


@given(told(), st.data())
def test_inputs_are_never_mutated(journey, data):
    before = (story(journey), journey.facts, [fact.dump() for fact in journey.facts])
    draft = data.draw(fact_drafts(journey.playbook))
    said = draft.dump()
    journey.record(draft)
    journey.record(draft.replace(at=draft.at + timedelta(days=1)))
    journey.as_of(at=draft.at)
    assert draft.dump() == said
    assert (story(journey), journey.facts, [fact.dump() for fact in journey.facts]) == before


@given(told(), st.data())
def test_a_stamped_fact_or_a_key_recorded_again_changes_nothing(journey, data):
    draft = data.draw(fact_drafts(journey.playbook))
    keyed = draft.replace(key="request 7", at=data.draw(at_times()))
    for once, again in (
        ((one := journey.record(draft)), one.facts[-1]),
        (journey.record(draft.replace(key="request 7")), keyed),
    ):
        twice = once.record(again)
        assert twice == once
        assert not twice.receipt.new
        assert twice.receipt.fact is once._data.log.find(twice.receipt.fact.key)


@given(told(), st.data())
def test_a_second_identical_event_is_a_second_event(journey, data):
    draft = data.draw(fact_drafts(journey.playbook))
    once = journey.record(draft)
    twice = once.record(draft)
    assert (twice.version, twice.receipt.new) == (once.version + 1, True)
    ids = [fact.id for fact in twice.facts]
    assert len(set(ids)) == len({fact.id for fact in journey.facts}) + 2
    assert Journey.replay(twice.facts, journey.playbook) == twice


@given(told(), st.data())
def test_may_says_what_move_does(journey, data):
    draft = data.draw(fact_drafts(journey.playbook))
    trigger = data.draw(st.sampled_from(journey.playbook.lifecycle.table.triggers))
    asked = {"at": draft.at, "by": draft.by, "reason": data.draw(st.sampled_from([None, "timing", "other"]))}
    option = journey.may(trigger, **asked)
    try:
        moved = journey.move(trigger, **asked)
    except Malformed as error:
        assert "retracted" in str(error)
    except MoveRefused as error:
        assert option.refusals
        assert error.refusal == option.refusals[0]
        assert error.others == option.refusals[1:]
    else:
        # A move that is already recorded changes nothing and is not evaluated again.
        assert option.allowed or not moved.receipt.new
        if moved.receipt.new and option.target is not None:
            assert moved.stage == option.target


@given(told())
def test_derived_facts_name_their_cause_and_are_the_same_on_every_replay(journey):
    known = {fact.id for fact in journey.facts}
    for fact in journey.derived:
        assert fact.caused_by in known
        assert fact.recorded_at >= fact.at
        known.add(fact.id)


@given(told())
def test_a_timer_fires_exactly_at_the_announced_instant(journey):
    wake = journey.wake_at
    if wake is None or "limit" not in wake.why:
        return
    almost = journey.tick(wake.at - timedelta(microseconds=1)) if wake.at > journey.at else journey
    assert almost.stage == journey.stage
    fired = journey.tick(wake.at)
    assert len(fired.derived) > len(journey.derived)


@given(told(), at_times(within_days=150))
def test_nothing_that_was_not_announced_changes_by_time_alone(journey, at):
    wake = journey.wake_at
    if journey.at is None or at < journey.at or (wake is not None and wake.at <= at):
        return
    assert story(journey.tick(at))[2:] == story(journey)[2:]


@given(told())
def test_time_in_stages_adds_up_to_the_time_since_the_start(journey):
    if journey.stage is not None:
        whole = sum(journey.time_in_stages().values(), timedelta())
        assert whole == journey.at - journey.visits[0].entered


@given(told(), st.data())
def test_withdrawn_and_new_facts_are_the_difference_of_two_versions(journey, data):
    grown = journey
    for draft in data.draw(st.lists(fact_drafts(journey.playbook), max_size=3)):
        grown = grown.record(draft)
    observed = [fact for fact in grown.facts_since(journey) if fact.caused_by is None]
    assert (*journey.facts, *observed) == grown.facts
    held = {fact.id for fact in journey.derived} - {fact.id for fact in grown.withdrawn_since(journey)}
    later = grown if journey.at is None or grown.at >= journey.at else grown.as_of(at=journey.at)
    assert held <= {fact.id for fact in later.derived}


@settings(max_examples=30)
@given(playbooks())
def test_a_playbook_and_its_json_are_the_same_playbook(playbook):
    text = playbook.model_dump_json()
    if '"custom_guard"' not in text:
        again = type(playbook).model_validate_json(text)
        assert again == playbook
        assert again.digest == playbook.digest


def test_the_random_module_is_not_touched():
    state = random.getstate()
    import leadlife.journey  # noqa: F401

    assert random.getstate() == state


def test_kinds_that_leave_closed_stages_are_the_five():
    assert {kind for kind in TransitionKind if kind.leaves_closed} == {
        TransitionKind.REENTRY,
        TransitionKind.REPEAT,
        TransitionKind.REOPEN,
        TransitionKind.RECYCLE,
        TransitionKind.CHURN,
    }


@given(st.data())
def test_recording_all_at_once_is_recording_one_after_another(data):
    playbook = data.draw(playbooks())
    one, recorded = Journey("x", playbook), []
    for draft in data.draw(st.lists(fact_drafts(playbook), max_size=14)):
        recorded.append(draft)
        one = one.record(draft)
        if one.facts and data.draw(st.integers(0, 4)) == 0:
            victim = data.draw(st.sampled_from(one.facts))
            recorded.append(Retracted(target=victim.id, at=victim.at))
            one = one.record(recorded[-1])
    whole = Journey("x", playbook).record_all(recorded)
    assert whole == one
    assert (whole.log, whole.derived) == (one.log, one.derived)
