"""Figures are checked against hand computations, published values and independent libraries."""

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlife import (
    Actor,
    EvidenceGiven,
    FieldChanged,
    FieldSpec,
    Identified,
    Journey,
    Lifecycle,
    Moved,
    Playbook,
    Retracted,
    Sold,
    Source,
    Stage,
    StageReached,
    Transition,
    errors,
)
from leadlife.analytics import Incidence, funnel, quantile, wilson
from leadlife.criteria import evidence
from leadlife.presets import eight_stage

T0 = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TIMES = st.lists(st.integers(0, 12), max_size=25)


def by_hand(won, lost, open_, day):
    """Aalen-Johansen in fractions, straight from the definition."""
    free, rate = Fraction(1), Fraction(0)
    for t in range(day + 1):
        at_risk = sum(x >= t for x in (*won, *lost, *open_))
        if at_risk:
            rate += free * Fraction(won.count(t), at_risk)
            free *= 1 - Fraction(won.count(t) + lost.count(t), at_risk)
    return rate


@given(TIMES, TIMES, TIMES, st.integers(0, 14))
def test_incidence_is_the_definition(won, lost, open_, day):
    risk = Incidence(won=won, lost=lost, open_=open_).by(day)
    times = (*won, *lost, *open_)
    assert risk.at_risk == sum(x >= day for x in times)
    if not times or (day > max(times) and max(times) in open_):
        assert risk.rate is None
    elif day > max(times):  # the last day decided the last of them, so the rate stays
        assert risk.rate == pytest.approx(float(by_hand(won, lost, open_, max(times))), abs=1e-12)
    else:
        assert risk.rate == pytest.approx(float(by_hand(won, lost, open_, day)), abs=1e-12)


@given(TIMES, TIMES)
def test_without_competition_it_is_one_minus_kaplan_meier(won, open_):
    lifelines = pytest.importorskip("lifelines", reason="an oracle for development")
    if not won:
        return
    fitted = lifelines.KaplanMeierFitter().fit([*won, *open_], [1] * len(won) + [0] * len(open_))
    incidence = Incidence(won=won, lost=[], open_=open_)
    for day in range(max((*won, *open_)) + 1):
        assert incidence.by(day).rate == pytest.approx(1 - float(fitted.predict(day)), abs=1e-9)


@given(TIMES, TIMES, TIMES)
def test_the_half_is_the_first_day_that_reaches_it(won, lost, open_):
    incidence = Incidence(won=won, lost=lost, open_=open_)
    days = [day for day in range(13) if by_hand(won, lost, open_, day) >= Fraction(1, 2)]
    first = incidence.first_reaching(0.5)
    if first is None:
        assert all(float(by_hand(won, lost, open_, day)) < 0.5 + 1e-9 for day in range(13))
    else:
        assert float(by_hand(won, lost, open_, first)) >= 0.5 - 1e-9
        assert not days or first >= days[0]


def test_a_published_competing_risk_curve(shared_data):
    import json

    case = json.loads((shared_data / "peer_expectations" / "worked_examples.json").read_text())
    assert set(case["competing_risks"]["cif_at"]) == {"1", "5", "10", "20"}
    # The patients themselves are not among the inputs; the flies are.
    rows = (shared_data / "survival" / "waltons_dataset.csv").read_text().splitlines()[1:]
    times = [(int(float(cells[-3])), cells[-2] == "1") for cells in (row.split(",") for row in rows)]
    incidence = Incidence(won=[t for t, e in times if e], lost=[], open_=[t for t, e in times if not e])
    assert (len(times), sum(e for _, e in times)) == (163, 156)
    assert incidence.first_reaching(0.5) == case["kaplan_meier"]["median"]


def test_wilson_and_quantiles():
    low, high = wilson(15, 100)
    assert (round(low, 4), round(high, 4)) == (0.0931, 0.2328)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == 1.0
    assert quantile([], 0.5) is None
    assert [quantile([1, 2, 3, 10], q) for q in (0, 0.25, 0.5, 0.75, 1)] == [1, 1.75, 2.5, 4.75, 10]


def book():
    stages = (
        Stage(id="mql"),
        Stage(id="won", status="won"),
        Stage(id="cold", status="recycled", on_path=False),
        Stage(id="lost", status="lost", on_path=False),
    )
    rules = (
        Transition(trigger="win", sources="mql", target="won", kind="forward", on="sold"),
        Transition(trigger="lose", sources="mql", target="lost", kind="exit"),
        Transition(trigger="rest", sources=("mql", "lost"), target="cold", kind="recycle"),
        Transition(trigger="back", sources="cold", target="mql", kind="reentry"),
        Transition(trigger="buy", sources="cold", target="won", kind="skip"),
    )
    return Playbook(
        id="p", lifecycle=Lifecycle(stages=stages, transitions=rules), fields={"city": FieldSpec(), "deal": FieldSpec()}
    )


BOOK = book()


def life(name, *moves, start=0, channel=None, **fields):
    source = None if channel is None else Source(channel=channel)
    journey = Journey.start(name, BOOK, at=T0 + start * DAY, source=source)
    for field, value in fields.items():
        journey = journey.record(FieldChanged(name=field, value=value, at=T0 + start * DAY))
    for day, what in moves:
        at = T0 + (start + day) * DAY
        journey = journey.record(Sold(at=at)) if what == "sale" else journey.record(Moved(trigger=what, at=at))
    return journey


def counted(*lives, days=100, **options):
    return funnel(lives, BOOK, as_of=T0 + days * DAY, **options)


def test_lost_ends_a_lead_unless_it_has_left_that_stage():
    lost = life("a", (5, "lose"))
    resting = life("b", (5, "lose"), (6, "rest"))
    back = life("c", (5, "rest"), (6, "back"), (9, "sale"))
    found = counted(lost, resting, back)
    assert (found.total.leads, found.total.won, found.total.cycles) == (3, 1, 4)
    assert found.total.days_to_won.q50 == 9
    assert found.total.reached == {"mql": 3, "won": 1, "cold": 2, "lost": 2}
    # b is still at risk on day 30, a is not.
    assert [risk.at_risk for risk in found.total.rate_by_horizon] == [1, 1, 0, 0]
    assert found.total.rate_by_horizon[2].rate is None
    earlier = counted(resting, days=5)
    assert earlier.total.reached["cold"] == 0


def test_lost_today_does_not_remove_a_lead_from_last_month():
    late = life("a", (50, "lose"))
    assert counted(late, days=40).total.leads == 1
    assert counted(late, days=40).warnings[0].code == "right_censoring"


def test_a_win_outside_any_cycle_counts():
    assert counted(life("a", (1, "rest"), (2, "buy"))).total.won == 1


def test_a_win_outside_any_cycle_still_counts_when_the_lead_moves_on():
    again = life("a", (1, "rest"), (2, "buy"), (9, "rest"))
    assert (counted(again).total.won, counted(again).total.days_to_won.q50) == (1, 2)


def test_rounding_does_not_miss_the_half():
    for number in (10, 12, 20, 26, 28):
        days = Incidence(won=range(1, number + 1), lost=[], open_=[]).first_reaching(0.5)
        assert days == number // 2
    assert Incidence(won=[2, 2, 0, 5], lost=[6, 1, 3, 3], open_=[4]).first_reaching(0.5) == 5


def test_a_field_of_the_same_name_does_not_hide_the_source():
    named = BOOK.replace(fields={"source": FieldSpec()})
    journey = Journey.start("x", named, at=T0, source=Source(channel="email"))
    assert funnel([journey], named, as_of=T0, by="source").groups[0].key is None
    assert funnel([journey], named, as_of=T0, by="cycle.source").groups[0].key == "email"


def test_a_second_sale_is_no_second_lead():
    twice = life("a", (5, "sale"), (9, "sale"))
    assert (counted(twice).total.leads, counted(twice).total.won) == (1, 1)


def test_groups_by_attribute_source_and_lead_type():
    lives = (life("a", channel="social", city="Recife"), life("b", channel="email", city="unknown"), life("c"))
    by_city = counted(*lives, by="city")
    assert [(group.key, group.leads) for group in by_city.groups] == [("Recife", 1), ("unknown", 1), (None, 1)]
    assert [group.key for group in counted(*lives, by="source").groups] == ["email", "social", None]
    assert [group.key for group in counted(*lives, by="lead_type").groups] == ["cultivated", "interest", None]
    with pytest.raises(errors.UnknownName, match="did you mean 'city'"):
        counted(*lives, by="ctiy")


def test_an_attribute_of_winners_only_has_no_rate():
    lives = (life("a", (5, "sale"), deal="big", city="x"), life("b", city="y"))
    found = counted(*lives, by="deal")
    assert [one.figures["attribute"] for one in found.warnings if one.code == "winners_only"] == ["deal"]
    for group in found.groups:
        assert (group.rate, group.low, group.high, group.days_to_won.half_by) == (None, None, None, None)
        assert {risk.rate for risk in group.rate_by_horizon} == {None}
    assert found.total.rate == 0.5
    assert "winners_only" not in {one.code for one in counted(life("a", (5, "sale"), deal="big")).warnings}
    assert "winners_only" not in {one.code for one in counted(*lives, attributes=["city"]).warnings}


def test_left_truncation_is_stated_by_its_rule():
    early = [life(f"e{n}", start=n) for n in range(30)]
    late = [life(f"l{n}", (2, "sale"), start=60 + n) for n in range(5)]
    codes = [one.code for one in counted(*early, *late).warnings]
    assert codes[0] == "left_truncation"
    few = [life(f"e{n}", start=n) for n in range(25)]
    assert "left_truncation" not in [one.code for one in counted(*few, *late).warnings]
    assert "left_truncation" not in [one.code for one in counted(*early, life("x", (80, "sale"))).warnings]


def test_no_leads_at_all_make_a_funnel_too():
    found = counted(days=1)
    assert (found.total.leads, found.total.rate, found.warnings) == (0, None, ())
    assert "total" in str(found)
    assert counted(life("a", start=50), days=1).total.leads == 0


def test_a_sale_without_a_win_is_a_caution():
    refused = Journey.start("x", eight_stage(), at=T0, stage="name").record(Sold(at=T0 + DAY))
    found = funnel([refused], eight_stage(), as_of=T0 + 2 * DAY)
    assert "sold_not_won" in {one.code for one in found.warnings}


def test_rows_and_dict_are_plain():
    found = counted(life("a", (5, "sale")), life("b"), by="city")
    flat = found.rows()
    assert flat[-1]["group"] == "total"
    assert flat[0]["reached_mql"] == 2
    assert flat[0]["rate_30"] == 0.5
    assert found.to_dict()["groups"][0]["rate_by_horizon"][0] == {"days": 30, "rate": 0.5, "at_risk": 1}


def test_the_incidence_is_right_in_a_growing_funnel():
    """A funnel that doubles its intake: won/leads is far below the true rate, but the incidence is not."""
    rng = random.Random(5)
    lives = []
    for number in range(1_200):
        start = int(360 * rng.random() ** 0.5)
        wins = rng.random() < 0.12
        after = int(rng.gammavariate(4, 30))
        lives.append(life(f"l{number}", *([(after, "sale")] if wins and start + after <= 360 else []), start=start))
    found = counted(*lives, days=360).total
    assert found.rate < 0.085
    assert found.rate_by_horizon[2].rate == pytest.approx(0.12 * 0.84, abs=0.03)


def test_whole_days_follow_the_playbooks_zone():
    zoned = BOOK.replace(zone="America/Sao_Paulo")
    start = datetime(2026, 1, 1, 1, tzinfo=UTC)
    journey = Journey.start("x", zoned, at=start).record(Sold(at=start + timedelta(hours=3)))
    assert funnel([journey], zoned, as_of=start + 9 * DAY).total.days_to_won.q50 == 1


def test_importing_the_whole_path_reaches_every_stage():
    sales = Actor(id="s", roles=("sales",))
    journey = Journey.start("x", eight_stage(), at=T0, stage="name").record(Identified(at=T0))
    journey = journey.record(EvidenceGiven(name="sql", at=T0)).move("rush_to_opportunity", at=T0, by=sales)
    assert funnel([journey], eight_stage(), as_of=T0).total.reached["opportunity"] == 1


class TestTheUnitIsTheLead:
    def test_two_pipelines_of_one_person_are_one_lead(self):
        main = life("a", (5, "lose"), city="Recife")
        other = Journey.start("a", BOOK, at=T0 + 3 * DAY, pipeline="service").record(Sold(at=T0 + 9 * DAY))
        found = counted(main, other, life("b", (5, "lose")), by="pipeline")
        assert (found.total.leads, found.total.won_standing, found.total.cycles) == (2, 1, 3)
        assert found.total.days_to_won.q50 == 9
        assert [(group.key, group.leads, group.won) for group in found.groups] == [("main", 2, 0), ("service", 1, 1)]
        caution = next(one for one in found.warnings if one.code == "several_pipelines")
        assert caution.figures == {"leads": 1}
        assert counted(other, main).total == counted(main, other).total

    def test_a_lead_has_ended_when_all_of_its_journeys_have(self):
        lost = life("a", (5, "lose"))
        other = Journey.start("a", BOOK, at=T0 + 3 * DAY, pipeline="service")
        assert counted(lost, other).total.rate_by_horizon[1].at_risk == 1
        both = counted(lost, other.move("lose", at=T0 + 20 * DAY))
        assert [risk.at_risk for risk in both.total.rate_by_horizon[:2]] == [0, 0]
        assert both.total.rate_by_horizon[0].rate == 0  # every lead has ended

    def test_a_journey_handed_in_twice_counts_once_with_what_is_newest(self):
        before, after = life("a"), life("a", (5, "sale"))
        for several in ((before, after), (after, before), (after, after)):
            found = counted(*several)
            assert (found.total.leads, found.total.won_standing) == (1, 1)
            assert found.warnings[0].code == "repeated_journey"

    def test_a_field_called_pipeline_does_not_hide_the_pipelines(self):
        named = BOOK.replace(fields={"pipeline": FieldSpec()})
        journey = Journey.start("x", named, at=T0)
        assert funnel([journey], named, as_of=T0, by="pipeline").groups[0].key is None
        assert funnel([journey], named, as_of=T0, by="journey.pipeline").groups[0].key == "main"


def test_an_automatic_pass_at_one_instant_is_not_reaching():
    stages = (Stage(id="lead"), Stage(id="mql"), Stage(id="sql"), Stage(id="won", status="won"))
    rules = (
        Transition(trigger="up", sources="lead", target="mql", guard=evidence("fit"), automatic=True),
        Transition(trigger="on", sources="mql", target="sql", guard=evidence("sql"), automatic=True),
        Transition(trigger="win", sources="sql", target="won"),
    )
    life_ = Lifecycle(stages=stages, transitions=rules)
    playbook = Playbook(id="p", lifecycle=life_, evidence={"fit": "", "sql": ""})
    both = Journey.start("a", playbook, at=T0).record(EvidenceGiven(name="sql", at=T0 + DAY))
    both = both.record(EvidenceGiven(name="fit", at=T0 + 2 * DAY))
    assert [(visit.stage, visit.passed) for visit in both.visits] == [("lead", False), ("mql", True), ("sql", False)]
    assert funnel([both], playbook, as_of=T0 + 9 * DAY).total.reached == {"lead": 1, "mql": 0, "sql": 1, "won": 0}
    # Who begins in a stage, or is moved there, has reached it, however soon the playbook moves on.
    begun = Journey.start("c", playbook, at=T0, evidence=["fit"])
    assert [(visit.stage, visit.passed) for visit in begun.visits] == [("lead", False), ("mql", False)]
    moved = begun.record(EvidenceGiven(name="sql", at=T0))
    assert [(visit.stage, visit.passed) for visit in moved.visits][1:] == [("mql", True), ("sql", False)]
    by_hand = Journey.start("d", playbook, at=T0).record(EvidenceGiven(name="sql", at=T0 + DAY))
    by_hand = by_hand.record(StageReached(stage="mql", at=T0 + 2 * DAY))
    assert [(visit.stage, visit.passed) for visit in by_hand.visits][1:] == [("mql", False), ("sql", False)]
    led_out = Journey.start("e", playbook, at=T0).record(EvidenceGiven(name="fit", at=T0 + DAY))
    led_out = led_out.record(StageReached(stage="sql", at=T0 + DAY))
    assert [visit.passed for visit in led_out.visits] == [False, False, False]
    # An import that knows only the day reaches what it names, and what lies between.
    dated = Journey.start("b", playbook, at=T0).record(StageReached(stage="sql", at=T0, infer_gaps=True))
    assert funnel([dated], playbook, as_of=T0 + 9 * DAY).total.reached == {"lead": 1, "mql": 1, "sql": 1, "won": 0}


class TestRenamedStages:
    def renamed(self, *, aliases=()):
        stages = (Stage(id="mql"), Stage(id="gone" if not aliases else "meeting", aliases=aliases))
        stages = (*stages, Stage(id="won", status="won"))
        rules = (Transition(trigger="meet", sources="mql", target=stages[1].id),)
        return Playbook(id="p", version="2", lifecycle=Lifecycle(stages=stages, transitions=rules))

    def test_former_names_count_with_the_present_one(self):
        old = BOOK.lifecycle.with_stages(Stage(id="demo"), after="mql")
        old = old.with_transitions(Transition(trigger="meet", sources="mql", target="demo"))
        first = Playbook(id="p", lifecycle=old)
        new = self.renamed(aliases=["demo"])
        moved = [Journey.start(name, first, at=T0).move("meet", at=T0 + DAY) for name in "abc"]
        lives = [moved[0].adopt(new, at=T0 + 2 * DAY), *moved[1:]]
        found = funnel(lives, new, as_of=T0 + 9 * DAY)
        assert found.total.reached["meeting"] == 3
        assert not [one for one in found.warnings if one.code == "foreign_stage"]
        # Without aliases, what one lead adopted tells of the others.
        plain = new.replace(lifecycle=new.lifecycle.with_stages(Stage(id="meeting")))
        lives[0] = moved[0].adopt(plain, at=T0 + 2 * DAY, stages={"demo": "meeting"})
        assert funnel(lives, plain, as_of=T0 + 9 * DAY).total.reached["meeting"] == 3

    def test_a_stage_that_the_playbook_does_not_have_is_told(self):
        found = funnel([life("a", (1, "rest"))], self.renamed(), as_of=T0 + 9 * DAY)
        told = next(one for one in found.warnings if one.code == "foreign_stage")
        assert told.figures == {"stage": "cold", "leads": 1}


class TestOnlyFactsThatStandAreCounted:
    def test_a_retracted_sale_is_no_sale_without_a_win(self):
        sold = life("a", (1, "lose")).record(Sold(at=T0 + 2 * DAY))
        assert "sold_not_won" in [one.code for one in counted(sold).warnings]
        undone = sold.record(Retracted(target=sold.facts[-1].id, at=T0 + 3 * DAY))
        assert "sold_not_won" not in [one.code for one in counted(undone).warnings]

    def test_a_fact_that_came_second_under_its_key_is_not_counted(self):
        journey = life("a").record(FieldChanged(name="city", value="x", key="k", at=T0 + DAY))
        journey = journey.record(FieldChanged(name="city", value="y", key="k", at=T0 + DAY, dated=T0 - 9 * DAY))
        assert journey.receipt.status == "conflicting"
        assert "before_entry" not in [one.code for one in counted(journey).warnings]

    def test_standing_facts_are_those_that_count(self):
        sold = Sold(at=T0 + 2 * DAY)
        journey = life("a", (1, "lose")).record(sold)
        journey = journey.record(Moved(trigger="win", at=T0 + 3 * DAY))  # refused
        journey = journey.record(FieldChanged(name="city", value="x", at=T0 + 4 * DAY))
        journey = journey.record(Retracted(target=journey.facts[-1].id, at=T0 + 5 * DAY))
        journey = journey.record(FieldChanged(name="city", value="z", at=T0 + 99 * DAY), now=T0 + 6 * DAY)  # planned
        assert [fact.type for fact in journey.standing] == ["started", "moved", "sold", "retracted"]


def test_rates_that_rest_on_a_few_leads_observed_so_long_are_told():
    lifecycle = Lifecycle(
        stages=[Stage(id="lead"), Stage(id="won", status="won"), Stage(id="lost", status="lost")],
        transitions=[
            Transition(trigger="win", sources="lead", target="won"),
            Transition(trigger="lose", sources="lead", target="lost"),
        ],
    )
    plain, begin, day = Playbook(id="p", lifecycle=lifecycle), datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=1)
    decided = [
        Journey.start(str(n), plain, at=begin).move("win" if n % 2 else "lose", at=begin + (2 + n % 5) * day)
        for n in range(60)
    ]
    whole = funnel(decided, plain, as_of=begin + 400 * day)
    assert [risk.rate for risk in whole.total.rate_by_horizon] == pytest.approx([0.5] * 4)
    young = [Journey.start(f"y{n}", plain, at=begin + 380 * day) for n in range(60)]
    young = [one.move("win", at=begin + 382 * day) if n % 2 else one for n, one in enumerate(young)]
    mixed = funnel([*young, Journey.start("old", plain, at=begin)], plain, as_of=begin + 400 * day)
    [thin] = [one for one in mixed.warnings if one.code == "thin_horizon"]
    assert thin.figures == {"group": "total", "horizons": [30, 90, 180, 365], "at_risk": [1, 1, 1, 1]}
    assert "so the rate rests by 30 days on 1 lead and by 90 days on 1 lead and" in thin.message
    olds = [Journey.start(f"o{n}", plain, at=begin + 200 * day * (n % 2)) for n in range(6)]
    [thin] = [
        one for one in funnel([*young, *olds], plain, as_of=begin + 400 * day).warnings if one.code == "thin_horizon"
    ]
    assert "by 180 days on 6 leads and by 365 days on 3 leads" in thin.message
