"""Naive Bayes with the numbers of the fixture, its table, and the reasons for and against a lead."""

import json
from bisect import bisect_right
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import exp

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadlife import Lead, Malformed
from leadlife._base.intervals import cuts_of
from leadlife.scoring import Answer, ClosedLead, NaiveBayes, Score, WinTable, read_policy
from leadlife.scoring.learned.win_table import key_of
from leadlife.testing import check_policy

T = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FIELDS = ("country", "state", "source", "email_state", "phone_state")


class Crm:
    """The system of the fixture: leads that are set won or lost, teams, and one table."""

    def __init__(self, fixture):
        self.stages = tuple(one["stage"] for one in fixture["stages_in_order"])
        self.won_stages = tuple(one["stage"] for one in fixture["stages_in_order"] if one["won"])
        self.leads = {one["lead"]: dict(one) for one in fixture["main"]["leads"]}
        self.status = dict.fromkeys(self.leads, "pending")
        self.stored = dict.fromkeys(self.leads, 0.0)
        self.table = WinTable(
            at=T, stages=self.stages, fields=FIELDS, tags={"tags": ","}, blanks=("email_state", "phone_state")
        )

    @property
    def policy(self):
        return NaiveBayes(name="win", table=self.table, won=self.won_stages)

    def closed(self, number):
        lead = self.leads[number]
        values = {name: lead[name] for name in FIELDS} | {"tags": ",".join(lead["tags"])}
        won = self.status[number] == "won"
        return ClosedLead(won=won, closed=T, team=lead["team"], stage=lead["stage"], values=values)

    def score(self, number):
        lead = self.leads[number]
        fields = {name: lead[name] for name in ("stage", "team", *FIELDS) if lead[name] is not None}
        score = self.policy.score(Lead(id=str(number), fields=fields | {"tags": ",".join(lead["tags"])}), (), at=T)
        if score.answered and self.status[number] == "pending":
            self.stored[number] = round(score.value * 100, 2)

    def become(self, number, status):
        if self.status[number] != "pending":
            self.table = self.table.removing(self.closed(number))
        self.status[number] = status
        if status != "pending":
            self.table = self.table.adding(self.closed(number))
        self.score(number)

    def do(self, step):
        for number in step.get("leads", ()):
            lead = self.leads[number]
            match step["op"]:
                case "set_lost":
                    self.become(number, "lost")
                case "set_won":
                    lead["stage"] = self.won_stages[0]
                    self.become(number, "won")
                case "restore":
                    self.become(number, "pending")
                case "set_team":
                    lead["team"] = step["team"]
                case "set_stage":
                    lead["stage"] = step["stage"]
                    self.become(number, "won" if step["stage"] in self.won_stages else "pending")
        if step["op"] == "rebuild":
            closed = [self.closed(number) for number, status in self.status.items() if status != "pending"]
            self.table = self.table.rebuilt(closed, at=T)
            for number in self.leads:
                self.score(number)

    def frequency(self, wanted):
        rows = [row for row in self.table.rows if (row.team, row.field) == (wanted["team"], wanted["field"])]
        row = next((row for row in rows if row.value == wanted["value"]), None)
        return (None, None) if row is None else (0.1 + row.won, 0.1 + row.lost)


def test_every_probability_and_frequency_of_the_fixture(shared_data):
    fixture = json.loads((shared_data / "peer_expectations/naive_bayes.json").read_text())
    crm, checked = Crm(fixture), 0
    for step in fixture["main"]["steps"]:
        for one in step["do"]:
            crm.do(one)
        for number, percent in step["expect"].get("auto_probability", {}).items():
            assert crm.stored[int(number)] == percent, step["name"]
            checked += 1
        for number, status in step["expect"].get("won_status", {}).items():
            assert crm.status[int(number)] == status
        for frequency in step["expect"].get("freq", ()):
            expected = (frequency["won"], frequency["lost"])
            found = crm.frequency(frequency)
            assert found == expected if None in expected else found == pytest.approx(expected), frequency
            checked += 1
    assert checked > 30


EMPTY = WinTable(at=T, stages=("new", "offer", "sold"), fields=("city",), tags={"tags": ";"})


def closed(*, won=True, stage="new", team=None, days=0, made=None, **values):
    return ClosedLead(won=won, closed=T + days * DAY, made=made, team=team, stage=stage, values=values)


def lead(**fields):
    return Lead(id="ada", fields=fields)


LEADS = st.builds(
    closed,
    won=st.booleans(),
    stage=st.sampled_from(EMPTY.stages),
    team=st.sampled_from([None, "a", "b"]),
    city=st.sampled_from([None, "", "Porto", "Kyoto", 1, True]),
    tags=st.sampled_from(["", "x", "x;y", "y; x;x"]),
)


@given(st.lists(LEADS, max_size=8), st.data())
def test_increments_in_any_order_equal_a_rebuild(leads, data):
    table = EMPTY
    for one in data.draw(st.permutations(leads)):
        table = table.adding(one)
    assert table == EMPTY.rebuilt(leads, at=T)
    assert WinTable.model_validate_json(table.model_dump_json()) == table


@given(st.lists(LEADS, max_size=6), LEADS)
def test_taking_an_outcome_back_restores_the_table(leads, one):
    table = EMPTY.rebuilt(leads, at=T)
    assert table.adding(one).removing(one) == table


@settings(suppress_health_check=[HealthCheck.nested_given])
@given(st.lists(LEADS, min_size=1, max_size=8))
def test_it_keeps_the_contract_of_a_policy(leads):
    policy = NaiveBayes(name="win", table=EMPTY.rebuilt(leads, at=T), won=("sold",), bands={"no": 0, "yes": 0.5})
    fields = {"city": st.sampled_from(["Porto", "Kyoto", "Lima"]), "stage": st.sampled_from(EMPTY.stages)}
    check_policy(policy, fields=fields, examples=4)
    assert not policy.declares_all
    assert read_policy(policy.model_dump_json()) == policy


def test_a_count_is_never_negative():
    assert EMPTY.removing(closed()).rows == ()


def test_a_score_never_uses_an_outcome_dated_after_it():
    table = EMPTY.adding(closed(days=3))
    policy = NaiveBayes(name="win", table=table)
    early = policy.score(lead(stage="new"), (), at=T + 2 * DAY)
    assert (early.answer, "after this instant" in early.why) == (Answer.UNANSWERED, True)
    assert policy.score(lead(stage="new"), (), at=T + 3 * DAY).answered
    assert EMPTY.rebuilt([closed(), closed(days=3)], at=T + DAY) == EMPTY.adding(closed()).replace(at=T + DAY)


def test_leads_made_before_the_start_date_are_not_counted():
    table = EMPTY.replace(since=T)
    assert table.adding(closed(made=T - DAY)).rows == ()
    assert table.adding(closed(made=T)).rows
    assert table.adding(closed()).rows


def test_without_closed_leads_there_is_no_answer():
    score = NaiveBayes(name="win", table=EMPTY).score(lead(stage="new"), (), at=T)
    assert score.explain() == "win: no score, unanswered: no lead has been won or lost yet"
    assert NaiveBayes(name="win", table=EMPTY).reasons(lead(stage="new"), at=T) == ((), ())


def test_with_one_outcome_only_it_says_what_it_can_and_stays_within_its_ends():
    only_won = EMPTY.rebuilt([closed(city="Porto") for _ in range(5_000)], at=T)
    policy = NaiveBayes(name="win", table=only_won, won=("sold",), lost=("gone",))
    assert policy.score(lead(stage="new", city="Porto"), (), at=T).value == 0.9999
    assert policy.score(lead(stage="sold"), (), at=T).value == 1
    assert policy.score(lead(stage="gone"), (), at=T).value == 0


def test_a_value_never_seen_and_a_stage_never_seen_are_left_out():
    table = EMPTY.rebuilt([closed(city="Porto"), closed(won=False, city="Kyoto")], at=T)
    policy = NaiveBayes(name="win", table=table)
    base = policy.score(lead(), (), at=T)
    assert policy.score(lead(city="Lima", stage="elsewhere"), (), at=T).value == base.value
    assert [line.rule for line in base.lines] == ["prior"]


def test_a_team_without_closed_leads_is_scored_by_all():
    table = EMPTY.rebuilt([closed(team="a"), closed(won=False, team="b")], at=T)
    policy = NaiveBayes(name="win", table=table)
    chances = [policy.score(lead(stage="new", team=team), (), at=T).value for team in ("a", "b", "c")]
    assert chances[0] > chances[2] > chances[1]
    assert policy.score(lead(stage="new"), (), at=T).value == chances[2]


def test_a_tag_that_few_leads_had_is_left_out():
    table = EMPTY.rebuilt([closed(won=number % 3 > 0, tags="x" if number else "rare") for number in range(61)], at=T)
    policy = NaiveBayes(name="win", table=table)
    assert [line.rule for line in policy.score(lead(tags="rare;x"), (), at=T).lines] == ["prior", "tags"]
    few = policy.replace(fewest_tagged=0).score(lead(tags="rare;x"), (), at=T)
    assert [line.reason for line in few.lines][1:] == ["tags rare (fewer than 10 closed leads had it)", "tags x"]


def test_reasons_are_the_most_extreme_and_absurd_ones_are_hidden():
    table = WinTable(at=T, stages=("new", "offer"), fields=("a", "b", "c", "d", "mail"), blanks=("mail",))
    outcomes = []
    for number in range(40):
        won = number % 2 == 0
        values = {
            name: "good" if won == (number % divisor > 0) else "bad"
            for name, divisor in zip("abcd", (3, 5, 7, 11), strict=True)
        }
        outcomes.append(
            closed(won=won, stage="offer" if number % 4 else "new", mail=None if won else "correct", **values)
        )
    policy = NaiveBayes(name="win", table=table.rebuilt(outcomes, at=T), contacts=("mail",))
    asked = lead(stage="offer", a="good", b="good", c="good", d="good")
    reasons = policy.reasons(asked, at=T)
    assert len(reasons.for_it) == 3
    assert all(reason.score > 0.5 for reason in reasons.for_it)
    assert list(reasons.for_it) == sorted(reasons.for_it, key=lambda one: -one.score)
    assert "mail" not in {
        reason.field for reason in (*reasons.for_it, *reasons.against_it)
    }  # missing, although it would be a reason for
    against = policy.reasons(lead(mail="correct"), at=T)
    assert "mail" not in {reason.field for reason in against.against_it}
    open_contacts = policy.replace(contacts=())
    assert "mail" in {reason.field for reason in open_contacts.reasons(lead(mail="correct"), at=T).against_it}


def test_the_lines_are_log_odds_and_add_up_to_the_probabilitys():
    outcomes = [closed(city="Porto"), closed(won=False, city="Porto"), closed(won=False, stage="offer", city="Kyoto")]
    score = NaiveBayes(name="win", table=EMPTY.rebuilt(outcomes, at=T)).score(lead(stage="new", city="Porto"), (), at=T)
    odds = exp(sum(line.points for line in score.lines))
    assert score.value == pytest.approx(odds / (1 + odds), abs=5e-5)
    assert Score.load(score.dump()) == score
    assert "city Porto" in score.explain()


@pytest.mark.parametrize(
    "broken",
    [
        lambda: EMPTY.adding(closed(won=False, stage="elsewhere")),
        lambda: EMPTY.adding("lead"),
        lambda: EMPTY.removing(None),
        lambda: EMPTY.rebuilt([{"won": True}], at=T),
        lambda: EMPTY.rebuilt([], at="today"),
        lambda: EMPTY.replace(at="today"),
        lambda: EMPTY.replace(fields=("stage",)),
        lambda: EMPTY.replace(tags={"city": ";"}),
        lambda: EMPTY.replace(stages=()),
        lambda: EMPTY.replace(rows=[{"field": "city", "value": "x"}] * 2),
        lambda: ClosedLead(won=True, closed=datetime(2026, 1, 1)),
        lambda: ClosedLead(won=1, closed=T),
        lambda: closed(city=float("nan")),
        lambda: NaiveBayes(name="win", table=None),
        lambda: NaiveBayes(name="win", table=EMPTY, bands={"sure": 2}),
    ],
)
def test_what_cannot_be_counted_is_refused(broken):
    with pytest.raises(Malformed):
        broken()


def test_a_number_is_one_value_however_it_is_spelt():
    assert len({key_of(value) for value in (1, 1.0, True, "1", None)}) == 3
    one, *others = (
        EMPTY.rebuilt([closed(city=spelling), closed(won=False, city=2)], at=T)
        for spelling in (1, 1.0, True, Decimal("1.00"), np.int64(1), np.float32(1), np.bool_(True))
    )
    assert all(other == one for other in others)
    policy = NaiveBayes(name="win", table=one)
    assert len({policy.value(lead(city=value), (), at=T) for value in (1, 1.0, True, Decimal(1), np.int8(1))}) == 1


def test_a_stage_that_few_lost_leads_reached_is_a_reason_for_a_lead():
    leads = [closed() for _ in range(20)] + [
        closed(won=False, stage="new" if place else "offer") for place in range(20)
    ]
    policy = NaiveBayes(name="win", table=EMPTY.rebuilt(leads, at=T))
    [reason] = policy.reasons(lead(stage="offer"), at=T).for_it
    assert (reason.field, reason.score) == ("stage", pytest.approx(1 - 1.1 / 20.1))


NUMBERS = WinTable(at=T, stages=("new",), fields=("city",), cuts={"visits": (2, 5.5)})


def test_numbers_are_counted_by_their_interval():
    leads = [closed(visits=visits) for visits in (0, 1.9, 2, 5, 5.5, 100, "many", True, None)]
    rows = NUMBERS.rebuilt(leads, at=T).counts(None, start=0)["visits"].rows
    assert {key[1]: row.won for key, row in rows.items()} == {
        "below 2": 3,
        "2 to 5.5": 2,
        "5.5 or more": 2,
        "many": 1,
    }
    policy = NaiveBayes(name="win", table=NUMBERS.rebuilt([*leads, closed(won=False, visits=1)], at=T))
    assert "visits 5.5 or more" in policy.score(lead(visits=7), (), at=T).explain()
    assert ("field", "visits") in set(policy.inputs())


def test_cuts_follow_the_distinct_numbers():
    leads = [closed(visits=visits) for visits in (0, 0, 0, 0, 0, 1, 2, 3, 5, 8, None)]
    assert NUMBERS.cutting(leads, "visits").cuts == {"visits": (1, 2, 3, 5, 8)}
    assert NUMBERS.cutting(leads, "visits", parts=2).cuts == {"visits": (1,)}
    assert NUMBERS.cutting(leads).cuts == {}
    many = [closed(visits=visits) for visits in range(1_000)]
    assert NUMBERS.cutting(many, "visits").cuts == {"visits": tuple(range(100, 1_000, 100))}


def test_a_number_that_many_share_is_an_interval_of_its_own():
    leads = [closed(won=False, visits=0)] * 950 + [closed(visits=1 + number % 5) for number in range(50)]
    table = NUMBERS.cutting(leads, "visits")
    assert table.cuts == {"visits": (1,)}
    rows = table.rebuilt(leads, at=T).counts(None, start=0)["visits"].rows
    assert {key[1]: (row.won, row.lost) for key, row in rows.items()} == {"below 1": (0, 950), "1 or more": (50, 0)}
    # A sentinel between other numbers too: 400 times 30 among 0 to 59.
    mixed = [closed(visits=30)] * 400 + [closed(visits=number % 60) for number in range(600)]
    cuts = NUMBERS.cutting(mixed, "visits").cuts["visits"]
    assert {30, 31} <= set(cuts)
    assert len(cuts) == 6


def test_a_number_that_one_part_shares_is_alone_between_others():
    assert {5, 6} <= set(cuts_of([0, 1, 2, 3, 4, 5, 5, 5, 6, 7, 8, 9], 4))


@given(st.lists(st.integers(-3, 3) | st.integers(-50, 50), min_size=2, max_size=60), st.integers(2, 12))
def test_every_cut_is_a_number_that_occurs_and_no_interval_is_empty(numbers, parts):
    cuts = cuts_of(numbers, parts)
    assert list(cuts) == sorted(set(cuts))
    assert set(cuts) <= set(numbers) - {min(numbers)}
    share = len(numbers) / parts
    for value, count in Counter(numbers).items():
        if count >= share:
            alone = [one for one in numbers if bisect_right(cuts, one) == bisect_right(cuts, value)]
            assert set(alone) == {value}
    # An interval without such a value holds less than two parts and what one value adds.
    sizes = Counter(bisect_right(cuts, one) for one in numbers)
    assert len(sizes) == len(cuts) + 1
    assert all(
        size < 2.5 * share + 1 or max(numbers.count(one) for one in set(numbers)) >= share for size in sizes.values()
    )


def test_a_field_that_is_one_interval_is_told():
    with pytest.warns(UserWarning, match="field 'visits' is 3 in all 5 leads: its one interval tells nothing"):
        assert NUMBERS.cutting([closed(visits=3)] * 5, "visits").cuts == {"visits": ()}


def test_without_cuts_all_numbers_are_one_interval():
    leads = [closed(visits=visits) for visits in (0, 5)]
    assert NUMBERS.replace(cuts={"visits": ()}).rebuilt(leads, at=T).counts(None)["visits"].rows.keys() == {
        ("text", "any number")
    }


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda: NUMBERS.cutting([closed(visits=1)] * 3, "visit"), "did you mean 'visits'"),
        (lambda: NUMBERS.cutting([closed(visits=1)], "visits"), "a number in 1 of the leads"),
        (lambda: NUMBERS.cutting([closed(visits=1)] * 3, "visits", parts=1), "from 2 to 1000"),
        (lambda: NUMBERS.replace(cuts={"visits": (5, 2)}), "the cuts of a field must rise"),
        (lambda: NUMBERS.replace(cuts={"city": (5,)}), "counted once"),
    ],
)
def test_cuts_that_make_no_sense_are_refused(broken, message):
    with pytest.raises(Malformed, match=message):
        broken()


def test_a_lead_lost_in_an_unknown_stage_counts_in_the_first():
    table = EMPTY.rebuilt([closed(won=False, stage=None)], at=T)
    assert [(row.value, row.lost) for row in table.rows] == [("new", 1)]


def test_a_product_of_many_small_shares_does_not_become_0():
    fields = tuple(f"f{number}" for number in range(300))
    table = WinTable(at=T, stages=("new",), fields=fields)
    sides = [closed(won=won, **dict.fromkeys(fields, won)) for won in (True, False) for _ in range(20)]
    policy = NaiveBayes(name="win", table=table.rebuilt(sides, at=T))
    assert policy.value(lead(**dict.fromkeys(fields, True)), (), at=T) == 0.9999
    assert policy.value(lead(**dict.fromkeys(fields, False)), (), at=T) == 0.0001


def test_every_interval_has_words_of_its_own():
    begin = 1_767_225_600_000_000
    for step in (1, 1e-6):
        leads = [
            closed(won=number % 10 < 5, visits=begin / (1 if step == 1 else 1e6) + number % 10 * step)
            for number in range(1_000)
        ]
        table = EMPTY.replace(fields=()).cutting(leads, "visits").rebuilt(leads, at=T)
        rows = [row for row in table.rows if row.field == "visits"]
        assert len(rows) == len(table.cuts["visits"]) + 1


def test_a_table_that_has_counted_is_not_cut_anew():
    leads = [closed(visits=number) for number in range(20)]
    table = NUMBERS.cutting(leads, "visits").rebuilt(leads, at=T)
    with pytest.raises(Malformed, match="has counted leads by its present cuts"):
        table.cutting(leads, "visits", parts=5)


def test_a_number_may_be_a_tag_and_a_field_without_tags_may_be_a_blank():
    tagged = EMPTY.replace(fields=(), tags={"labels": ","}, blanks=("labels",))
    table = tagged.rebuilt([closed(labels=7), closed(labels="7, 8"), closed(labels=None), closed(labels=" ")], at=T)
    assert {row.value: row.won for row in table.rows if row.field == "labels"} == {"7": 2, "8": 1, None: 2}
    blank = EMPTY.replace(fields=("city",), blanks=("city",))
    assert blank.rebuilt([closed(city="  ")], at=T) == blank.rebuilt([closed(city="")], at=T)
