"""Drift between the leads that a score was learned from and the leads that it scores; calibration that keeps ranks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import exp, nextafter
from random import Random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadlife import Lead, Malformed
from leadlife.evaluation import Isotonic, appraise, drift, gains, train_early_test_late
from leadlife.frames import fields_of, score_frame
from leadlife.presets import eight_stage
from leadlife.scoring import CalibratedBayes, ClosedLead, NaiveBayes, WinTable

T = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def leads(number, *, web=0.3, rate=0.2, seed=1, begin=T):
    random = Random(seed)
    found = []
    for place in range(number):
        channel = "web" if random.random() < web else random.choice(["fair", "ads"])
        minutes = random.expovariate(1 / 9)
        at = begin + place * DAY / 10
        values = {"channel": channel, "minutes": minutes}
        found.append(ClosedLead(won=random.random() < rate, made=at, closed=at + DAY, values=values))
    return found


@pytest.mark.parametrize("seed", range(20))
def test_leads_of_one_kind_do_not_drift(seed):
    found = drift(leads(800, seed=seed), leads(500, seed=100 + seed))
    assert [field.field for field in found.fields if field.drifted] == []


@pytest.mark.parametrize("number", [20, 60, 3_000])
def test_few_leads_prove_nothing(number):
    small = leads(12, seed=number)
    assert not any(field.drifted for field in drift(leads(number), small).fields)


def test_a_field_whose_shares_moved_is_named_with_its_figures():
    found = drift(leads(900), leads(600, web=0.7, seed=2))
    [field] = [one for one in found.fields if one.drifted]
    assert (field.field, field.value) == ("channel", "web")
    assert field.before == pytest.approx(0.3, abs=0.05)
    assert field.after == pytest.approx(0.7, abs=0.05)
    assert "field 'channel' has drifted (stability index 0." in str(found)
    assert "web was 2" in str(found) or "web was 3" in str(found)


def test_values_never_seen_and_blanks_are_told():
    others = [ClosedLead(won=one.won, closed=one.closed, values={"channel": "tv"}) for one in leads(400, seed=3)]
    by_field = {one.field: one for one in drift(leads(800), others).fields}
    assert (by_field["channel"].value, by_field["channel"].after) == ("(never seen)", 1.0)
    assert (by_field["minutes"].value, by_field["minutes"].after) == ("(blank)", 1.0)


def test_the_base_rate_is_compared():
    found = drift(leads(900, rate=0.08), leads(900, rate=0.21, seed=2))
    assert found.rate_drifted
    assert "of the leads were won before, and" in found.findings[0]
    assert not drift(leads(900, rate=0.2), leads(900, rate=0.2, seed=2)).rate_drifted
    open_leads = [Lead(id=str(place), fields=dict(one.values)) for place, one in enumerate(leads(300, seed=4))]
    assert drift(leads(900), open_leads).rates[1] is None
    assert str(drift(leads(900), open_leads)) == "no drift between 900 leads before and 300 after"


def test_a_probability_that_does_not_come_true_is_told():
    later = leads(500, rate=0.21, seed=2)
    found = drift(leads(900, rate=0.08), later, predicted=[0.08] * 500)
    assert found.miscalibrated
    rate = sum(one.won for one in later) / 500
    assert found.findings[0] == f"the score predicts 0.08 where {rate:.2f} came true: learn it anew"
    assert not drift(leads(900), later, predicted=[rate] * 500).miscalibrated


def test_appraise_says_what_was_predicted_and_what_came_true():
    random = Random(3)
    came = [random.random() < 0.21 for _ in range(600)]
    low = [0.16 * random.random() for _ in came]
    said = appraise(came, low, probabilities=True)
    assert said.predicted == pytest.approx(0.08, abs=0.01)
    assert said.miscalibrated
    assert f"predicts {said.predicted:.2f} where {sum(came) / 600:.2f} came true" in str(said)
    assert "came true" not in str(appraise(came, [0.42 * random.random() for _ in came], probabilities=True))
    assert appraise(came, low).predicted is None
    assert not appraise(came, low).miscalibrated


def test_a_policy_and_its_table_are_training_leads_too():
    known, later = leads(900), leads(600, web=0.7, seed=2)
    table = WinTable(at=T, stages=("new",), fields=("channel",), cuts={"minutes": (3, 10)}).rebuilt(
        known, at=T + 900 * DAY
    )
    policy = NaiveBayes(name="win", table=table)
    by_table = drift(table, later)
    assert drift(policy, later) == by_table
    assert by_table.leads == (900, 600)
    assert by_table.rates[0] == sum(one.won for one in known) / 900
    assert [one.field for one in by_table.fields if one.drifted] == ["channel"]


def framed(several):
    columns = {name: [dict(one.values)[name] for one in several] for name in ("channel", "minutes")}
    return pd.DataFrame({"id": range(len(several)), **columns})


def test_a_frame_with_other_values_than_those_learned_is_told():
    known = leads(900)
    table = WinTable(at=T, stages=("new",), fields=("channel",)).cutting(known, "minutes")
    policy = CalibratedBayes.learned(known, table=table, at=T + 900 * DAY, name="win")
    same, other = framed(leads(500, seed=8)), framed(leads(500, web=0.8, seed=9))
    book = eight_stage().with_fields(**fields_of(same, "channel", "minutes")).with_score(policy)
    faults = []
    score_frame(book, same, at=T + 900 * DAY, scores="win", faults=faults)
    assert faults == []
    score_frame(book, other, at=T + 900 * DAY, scores="win", faults=faults)
    [fault] = faults
    assert (fault.row, fault.column) == (None, "channel")
    assert "score 'win': field 'channel' has drifted" in fault.reason
    with pytest.warns(UserWarning, match="field 'channel' has drifted"):
        score_frame(book, other, at=T + 900 * DAY, scores="win")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda: drift([], leads(5)), "closed leads before"),
        (lambda: drift(leads(5), []), "closed leads before"),
        (lambda: drift([Lead(id="a")], leads(5)), "closed leads before"),
        (lambda: drift(leads(5), [1]), "compares leads"),
        (lambda: drift(leads(5), leads(5), predicted=[0.5]), "got 1 probabilities for 5 leads"),
        (lambda: drift(leads(5), leads(5), predicted=[2] * 5), "from 0 to 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(broken, message):
    with pytest.raises(Malformed, match=message):
        broken()


def test_fields_that_nobody_has_do_not_drift():
    empty = WinTable(at=T, stages=("new",), fields=("city",), tags={"tags": ";"})
    table = empty.rebuilt([ClosedLead(won=True, closed=T), ClosedLead(won=False, closed=T)], at=T)
    assert {one.field: one.psi for one in drift(table, [Lead(id="a")]).fields} == {"city": 0.0, "tags": 0.0}


# Calibration keeps ranks.


@given(st.lists(st.tuples(st.floats(0.001, 0.999), st.booleans()), min_size=4, max_size=60))
@settings(max_examples=60)
def test_a_rising_curve_keeps_every_rank(pairs):
    curve = Isotonic.fit([won for _, won in pairs], [chance for chance, _ in pairs], prior=2.0, strict=True)
    assert curve.xs[0] == 0
    assert curve.xs[-1] == 1
    places = sorted({0.0, 1.0, *(chance for chance, _ in pairs)})
    assert all(curve(low) < curve(high) for low, high in pairwise(places) if high - low > 1e-12)


def shifting(number=4_000, *, seed=5):
    """A simulated world: early, few leads are won and hardly any of them for a reason; later, the reasons count."""
    random = Random(seed)
    found = []
    for place in range(number):
        late = place / number
        strength = random.gauss(0, 1)
        values = {"size": round(strength * 8), "channel": random.choice("abcdefgh")}
        odds = -3.2 + 1.6 * late + (0.25 + 1.4 * late) * strength
        at = T + place * DAY / 10
        found.append(ClosedLead(won=random.random() < 1 / (1 + exp(-odds)), made=at, closed=at + DAY, values=values))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_on_a_split_in_time_the_calibrated_policy_ranks_no_worse_than_the_plain_one(seed):
    split = train_early_test_late(shifting(seed=seed))
    table = WinTable(at=T, stages=("new",), fields=("channel",)).cutting(split.train, "size")
    plain = NaiveBayes(name="plain", table=table.rebuilt(split.train, at=split.at))
    calibrated = CalibratedBayes.learned(split.train, table=table, at=split.at, name="win")
    won = [lead.won for lead in split.test]
    at = split.test[-1].closed
    lifts, chances = {}, {}
    for policy in (plain, calibrated):
        chances[policy.name] = [policy.value(Lead(id="a", fields=dict(lead.values)), (), at=at) for lead in split.test]
        lifts[policy.name] = gains(won, chances[policy.name], shares=[0.1])[0].lift
    assert lifts["win"] > 0.9 * lifts["plain"] > 1
    assert len(set(chances["win"])) >= 0.9 * len(set(chances["plain"]))
    told = drift(split.train, split.test, predicted=chances["win"])
    assert told.miscalibrated
    assert told.rate_drifted


# A value that hardly any lead had decides nothing.


@pytest.mark.parametrize("won", [True, False])
@pytest.mark.parametrize("kind", ["calibrated", "smoothed"])
def test_a_blank_that_one_lead_had_moves_no_lead_far(won, kind):
    random = Random(4)
    known = []
    for number in range(400):
        good = number % 2 == 0
        known.append(
            ClosedLead(
                won=random.random() < (0.8 if good else 0.2), closed=T, values={"fit": "good" if good else "bad"}
            )
        )
    known.append(ClosedLead(won=won, closed=T, values={"fit": None}))
    table = WinTable(at=T, stages=("new",), fields=("fit",), blanks=("fit",))
    policy = (
        CalibratedBayes.learned(known, table=table, at=T, name="win")
        if kind == "calibrated"
        else NaiveBayes(name="win", table=table.rebuilt(known, at=T), smoothing=10)
    )
    pool = sum(one.won for one in known) / len(known)
    score = policy.score(Lead(id="a"), (), at=T)
    assert score.value == pytest.approx(pool, abs=0.06)
    assert policy.value(Lead(id="a", fields={"fit": "good"}), (), at=T) > 0.7
    if kind == "smoothed":
        assert "fit None (fewer than 10 closed leads had it)" in score.explain()


@pytest.mark.parametrize("count", [0, 1, 2, 5, 20, 400])
def test_the_effect_of_a_value_grows_with_its_count_and_is_nothing_at_none(count):
    known = [ClosedLead(won=number % 2 == 0, closed=T, values={"fit": "usual"}) for number in range(400)]
    table = WinTable(at=T, stages=("new",), fields=("fit",))
    effects = []
    for several in (count, count + 1):
        more = [*known, *[ClosedLead(won=True, closed=T, values={"fit": "rare"})] * several]
        policy = CalibratedBayes.learned(more, table=table, at=T, name="win", smoothing=10.0)
        lines = policy.score(Lead(id="a", fields={"fit": "rare"}), (), at=T).lines
        effects.append(next(one.points for one in lines if one.rule == "fit"))
    assert effects[0] < effects[1]
    assert effects[0] <= count / 5


def test_a_number_and_its_text_are_two_values_here_too():
    def plans(make):
        return [ClosedLead(won=place % 2 == 0, closed=T, values={"plan": make(place)}) for place in range(600)]

    known = plans(lambda place: 1 + place % 2)
    table = WinTable(at=T, stages=("new",), fields=("plan",)).rebuilt(known, at=T)
    texts = [Lead(id=str(place), fields={"plan": str(1 + place % 2)}) for place in range(600)]
    [moved] = drift(table, texts).fields
    assert (moved.drifted, moved.value, moved.after) == (True, "(never seen)", 1.0)
    mixed = plans(lambda place: 1 if place % 4 < 2 else "1")
    assert drift(WinTable(at=T, stages=("new",), fields=("plan",)).rebuilt(mixed, at=T), mixed).fields[0].psi == 0


def test_one_text_among_many_numbers_is_no_drift():
    def ages(seed):
        random = Random(seed)
        values = ["n/a", *(random.randint(18, 900) for _ in range(499))]
        return [ClosedLead(won=random.random() < 0.5, closed=T, values={"age": value}) for value in values]

    assert not drift(ages(1), ages(2)).fields[0].drifted


def test_neighbours_among_the_floats_are_told_apart():
    place = 0.43788759365057206
    for many in range(1, 40):
        Isotonic.fit([0] * many + [1] * (many + 1), [place] * many + [nextafter(place, 1)] * (many + 1), strict=True)


def test_leads_of_unlike_odds_get_unlike_probabilities():
    random = Random(3)
    known = []
    for _ in range(3_000):
        values = {f"f{number}": random.randint(0, 5) for number in range(5)}
        known.append(ClosedLead(won=random.random() < 0.02, closed=T, values=values))
    table = WinTable(at=T, stages=("new",), fields=tuple(f"f{number}" for number in range(5)))
    policy = CalibratedBayes.learned(known, table=table, at=T, name="win", fewest=20)
    scores = [policy.score(Lead(id="a", fields=dict(one.values)), (), at=T) for one in known[:800]]
    odds = {sum(line.micropoints for line in one.lines if line.rule != "calibration") for one in scores}
    assert len({one.probability for one in scores}) >= len(odds)
