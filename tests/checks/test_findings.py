"""Each finding has a lifecycle that shows it, and a nearly equal one that does not have it."""

from datetime import UTC, date, datetime

import pytest

from leadlife import (
    ActivityRule,
    FieldRule,
    FieldSpec,
    Journey,
    Lifecycle,
    Limit,
    Malformed,
    Playbook,
    Points,
    Stage,
    Transition,
    days,
    elapsed,
)
from leadlife.checks import Code, Severity, check, hysteresis, report, walks
from leadlife.checks.finding import SEVERITIES
from leadlife.criteria import (
    CustomGuard,
    at_least,
    band,
    count,
    days_in_stage,
    evidence,
    field,
    holds,
    identified,
    in_stage,
    inactive,
    latest,
    readiness,
    role,
    score,
    sold,
    total,
)
from leadlife.criteria import cycle as cycle_number
from leadlife.errors import UnknownName
from leadlife.lifecycle import EntryStage, Route, SignOff, StageStatus, StageType, TransitionKind
from leadlife.lifecycle.stages import Reason
from leadlife.playbook import FieldType, sign
from leadlife.presets import eight_stage, mql_pql_sql
from leadlife.qualification.rules import Hysteresis, QualificationRule, ReadinessRule
from leadlife.scoring import CustomPolicy, Grid
from leadlife.timing import months

ENGAGED = Points(name="did", rules=(FieldRule(name="x", when=field("size") > 1, points=90),), bands={"4": 0, "1": 50})
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FIT = Points(name="is", rules=(FieldRule(name="x", when=field("size") > 1, points=90),), bands={"B": 0, "A": 50})


def stage(name, status=StageStatus.OPEN, **more):
    if status is StageStatus.OPEN and "limit" not in more and more.get("type") is None:
        more["limit"] = Limit(after=days(9), trigger="drop")
    return Stage(id=name, status=status, **more)


def move(trigger, source, target, guard=None, kind=TransitionKind.FORWARD, **more):
    sources = source if source == "*" else (source,)
    return Transition(trigger=trigger, sources=sources, target=target, kind=kind, guard=guard, **more)


DROP = move("drop", "*", "lost", kind=TransitionKind.EXIT)


def cycle(*transitions, stages=(), a=None, **more):
    """A small lifecycle without findings: a, b, won, lost; and the given additions."""
    return Lifecycle(
        stages=(a or stage("a"), stage("b"), stage("won", StageStatus.WON), stage("lost", StageStatus.LOST), *stages),
        transitions=(move("go", "a", "b"), move("win", "b", "won"), *transitions, DROP),
        **more,
    )


def book(*transitions, **more):
    return Playbook(id="mine", lifecycle=cycle(*transitions), **more)


def codes(what):
    return {finding.code for finding in check(what)}


def found(what, code):
    return [finding for finding in check(what) if finding.code is code]


def test_a_sound_lifecycle_has_no_findings():
    assert check(cycle()) == ()
    assert report(check(cycle())) == "nothing found"


RECYCLED = {"status": StageStatus.RECYCLED, "cool_down": days(9), "reentry_limit": 2}
BACK = (
    move("rest", "b", "idle", kind=TransitionKind.RECYCLE),
    move("return", "idle", "a", kind=TransitionKind.REENTRY),
)
GATE = Stage(id="gate", type=StageType.GATE, routes=(Route(guard=evidence("x"), target="b"),), default="a2")

CIRCLE = (
    move("on", "a", "b", identified(), automatic=True),
    move("off", "b", "a", identified(), kind=TransitionKind.BACKWARD, automatic=True),
)
JUMPING = stage("a", limit=Limit(after=days(9), trigger="jump"))
AGREED = sign(mql_pql_sql(), "sales", on=date(2026, 3, 2))
PAIRS = {
    Code.STALE_SIGN_OFF: (
        AGREED.with_score(AGREED.score_by_name["urgency"].replace(cap=90)),
        sign(AGREED.with_score(AGREED.score_by_name["urgency"].replace(cap=90)), "sales", on=date(2026, 3, 9)),
    ),
    Code.UNREACHABLE: (
        cycle(move("win", "far", "won"), stages=(stage("far"),)),
        cycle(move("win", "far", "won"), move("jump", "a", "far", kind=TransitionKind.SKIP), stages=(stage("far"),)),
    ),
    Code.TRAP: (
        Lifecycle(
            stages=(Stage(id="a"), Stage(id="b"), Stage(id="won", status=StageStatus.WON)),
            transitions=(move("go", "a", "b"), move("win", "a", "won")),
        ),
        Lifecycle(
            stages=(Stage(id="a"), Stage(id="b"), Stage(id="won", status=StageStatus.WON)),
            transitions=(move("go", "a", "b"), move("win", "a", "won"), move("win", "b", "won")),
        ),
    ),
    Code.NO_WON_STAGE: (
        Lifecycle(stages=(stage("a"), stage("lost", StageStatus.LOST)), transitions=(DROP,)),
        cycle(),
    ),
    Code.NO_PATH_TO_WON: (
        cycle(move("park", "a", "c", kind=TransitionKind.SKIP), stages=(stage("c"),)),
        cycle(move("park", "a", "c", kind=TransitionKind.SKIP), move("win", "c", "won"), stages=(stage("c"),)),
    ),
    Code.NO_TIMED_EXIT: (cycle(a=Stage(id="a")), cycle()),
    Code.ENDLESS_RECYCLING: (
        cycle(*BACK, stages=(Stage(id="idle", **{**RECYCLED, "reentry_limit": None}),)),
        cycle(*BACK, stages=(Stage(id="idle", **RECYCLED),)),
    ),
    Code.NO_COOL_DOWN: (
        cycle(*BACK, stages=(Stage(id="idle", **{**RECYCLED, "cool_down": None}),)),
        cycle(*BACK, stages=(Stage(id="idle", **RECYCLED),)),
    ),
    Code.CAN_BE_AVOIDED: (
        cycle(move("rush", "a", "won", kind=TransitionKind.SKIP), stages=()).with_stages(stage("b", must_pass=True)),
        cycle().with_stages(stage("b", must_pass=True)),
    ),
    Code.NEVER_TRUE: (
        cycle(move("jump", "a", "won", (field("size") > 9) & (field("size") < 5), kind=TransitionKind.SKIP)),
        cycle(move("jump", "a", "won", (field("size") > 5) & (field("size") < 9), kind=TransitionKind.SKIP)),
    ),
    Code.SHADOWED: (
        cycle(move("advance", "a", "b", field("size") > 5), move("advance", "a", "b", field("size") > 9)),
        cycle(move("advance", "a", "b", field("size") > 9), move("advance", "a", "b", field("size") < 5)),
    ),
    Code.LIMIT_MAY_WAIT: (
        cycle(move("jump", "a", "won", evidence("x"), kind=TransitionKind.SKIP), a=JUMPING),
        cycle(move("jump", "a", "won", kind=TransitionKind.SKIP), a=JUMPING),
    ),
    Code.NAMESAKES: (
        cycle(*[move("jump", "a", "won", CustomGuard(name="mine", version=v, call=int), kind=TransitionKind.SKIP) for v in "12"]),
        cycle(*[move("jump", "a", "won", CustomGuard(name=f"mine{v}", call=int), kind=TransitionKind.SKIP) for v in "12"]),
    ),
    Code.OVERLAP: (
        cycle(move("advance", "a", "b", field("size") > 5), move("advance", "a", "won", field("size") < 9)),
        cycle(move("advance", "a", "b", field("size") > 5), move("advance", "a", "won", field("size") < 5)),
    ),
    Code.NOT_DECIDED: (
        cycle(*[move("advance", "a", to, count(f"{to}{n}") >= 1) for n in range(7) for to in ("b", "won")]),
        cycle(*[move("advance", "a", to, count(f"{to}{n}") >= 1) for n in range(6) for to in ("b", "won")]),
    ),
    Code.CUSTOM_GUARD: (
        cycle(move("jump", "a", "won", CustomGuard(name="mine", call=lambda view: True), kind=TransitionKind.SKIP)),
        cycle(move("jump", "a", "won", evidence("mine"), kind=TransitionKind.SKIP)),
    ),
    Code.CHASE: (
        cycle(
            move("on", "a", "b", on="activity", kind=TransitionKind.SKIP),
            move("off", "b", "a", on="activity", kind=TransitionKind.BACKWARD),
        ),
        cycle(
            move("on", "a", "b", on="activity", kind=TransitionKind.SKIP),
            move("off", "b", "a", on="attribute", kind=TransitionKind.BACKWARD),
        ),
    ),
    Code.PERSONAL_UNFLAGGED: (
        book(
            move("jump", "a", "won", field("email").known(), kind=TransitionKind.SKIP), fields={"email": FieldSpec()}
        ),
        book(
            move("jump", "a", "won", field("email").known(), kind=TransitionKind.SKIP),
            fields={"email": FieldSpec(personal=True)},
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", PAIRS)
def test_each_finding_has_a_case_and_a_clean_twin(code):
    shown, clean = PAIRS[code]
    [first, *_] = found(shown, code)
    assert first.message
    assert first.where
    assert code.value in str(first)
    assert first.to_dict()["severity"] == first.severity.value
    assert not found(clean, code)


def test_every_code_that_check_gives_has_a_case():
    from checks.test_engagement_findings import PAIRS as ENGAGEMENT

    assert set(PAIRS) | set(ENGAGEMENT) | {Code.UNBUILDABLE, Code.HYSTERESIS} == set(Code)


def test_rules_are_proved_like_guards():
    def rules(*given, **more):
        return book(evidence={"x": "x"}, qualifications=given, **more)

    flaps = rules(QualificationRule(name="q", enter=evidence("x"), leave=evidence("x")))
    assert [one.where for one in found(flaps, Code.HYSTERESIS)] == ["qualifications.0"]
    apart = rules(QualificationRule(name="q", enter=evidence("x"), leave=~evidence("x")))
    assert not check(apart)
    never = rules(QualificationRule(name="q", enter=evidence("x") & ~evidence("x")))
    assert [one.where for one in found(never, Code.NEVER_TRUE)] == ["qualifications.0.enter"]
    many = QualificationRule(
        name="q", enter=at_least(7, *(in_stage("a") & (cycle_number() >= n) for n in range(1, 15)))
    )
    assert Code.NOT_DECIDED in codes(rules(many))
    code = rules(QualificationRule(name="q", enter=CustomGuard(name="mine", call=lambda view: True)))
    assert [one.where for one in found(code, Code.CUSTOM_GUARD)] == ["qualifications.0.enter"]
    near = ReadinessRule(mid=Hysteresis(enter=evidence("x")), late=Hysteresis(enter=evidence("x"), leave=evidence("x")))
    assert [one.where for one in found(rules(readiness=near), Code.HYSTERESIS)] == ["readiness.late"]
    secret = rules(QualificationRule(name="q", enter=field("phone").known()), fields={"phone": FieldSpec()})
    assert "qualifications.0.enter" in found(secret, Code.PERSONAL_UNFLAGGED)[0].message


def test_automatic_moves_in_a_circle_that_a_lead_can_take_are_a_chase():
    [chase] = found(cycle(*CIRCLE), Code.CHASE)
    assert chase.message == "automatic moves send a lead in a circle: a > b > a"
    assert chase.story == ("identified", "on to b", "off to a", "and again")
    apart = (CIRCLE[0], CIRCLE[1].replace(guard=~identified()))
    assert not found(cycle(*apart), Code.CHASE)


def test_a_chase_is_found_through_guards_on_stages_and_through_any_of_several_moves():
    on, off = CIRCLE
    here = (on.replace(guard=identified() & in_stage("a")), off.replace(guard=identified() & ~in_stage("a")))
    assert found(cycle(*here), Code.CHASE)
    assert not found(cycle(here[0], off.replace(guard=in_stage("a"))), Code.CHASE)
    never = on.replace(guard=identified() & ~identified())
    [chase] = found(cycle(never, *CIRCLE), Code.CHASE)
    assert chase.story == ("identified", "on to b", "off to a", "and again")


def test_a_sign_off_is_stale_after_the_rule_or_a_score_that_it_reads_has_changed():
    assert not found(AGREED, Code.STALE_SIGN_OFF)
    other = AGREED.with_qualifications(AGREED.qualification_by_name["sql"].replace(valid_for=days(9)))
    stale, *moves = found(other, Code.STALE_SIGN_OFF)
    assert {AGREED.lifecycle.transitions[int(one.where.split(".")[2])].trigger for one in moves} == {
        "sales_qualify",
        "lapse",
        "rush",
        "rebuy",
    }
    assert stale.where == "qualifications.2.signed"
    assert "sales signed 'sql' on 2026-03-02 under version 1" in stale.message
    assert {one.where for one in found(PAIRS[Code.STALE_SIGN_OFF][0], Code.STALE_SIGN_OFF)} >= {"readiness.signed"}
    moved = AGREED.lifecycle.replace(
        transitions=tuple(
            rule.replace(guard=identified()) if rule.trigger == "win" else rule for rule in AGREED.lifecycle.transitions
        )
    )
    assert any("'win'" in one.message for one in found(AGREED.with_lifecycle(moved), Code.STALE_SIGN_OFF))


def test_a_sign_off_needs_a_date():
    with pytest.raises(Malformed, match="on"):
        SignOff(team="sales", on="yesterday", version="1", digest="0" * 16)
    assert SignOff(team="sales", on="2026-03-02", version="1", digest="0" * 16).on == date(2026, 3, 2)


def test_signing_needs_a_known_rule_and_leaves_the_digest_unchanged():
    assert AGREED.digest == mql_pql_sql().digest
    assert [one.team for one in AGREED.qualification_by_name["mql"].signed] == ["sales"]
    both = sign(sign(AGREED, "marketing", "mql", on=date(2026, 3, 3)), "sales", "mql", on=date(2026, 3, 4), by="sam")
    assert [(one.team, str(one.on), one.by) for one in both.qualification_by_name["mql"].signed] == [
        ("marketing", "2026-03-03", None), ("sales", "2026-03-04", "sam"),
    ]  # fmt: skip
    assert sign(AGREED, "legal", "readiness", on=date(2026, 3, 3)).readiness.signed[1].team == "legal"
    with pytest.raises(UnknownName, match="did you mean 'mql'"):
        sign(AGREED, "sales", "mqll", on=date(2026, 3, 2))
    with pytest.raises(Malformed, match="not a sign-off"):
        AGREED.readiness.signed_by("sales")
    plain = cycle()
    signed = sign(Playbook(id="plain", lifecycle=plain), "sales", on=date(2026, 3, 2))
    assert [rule.signed[0].team for rule in signed.lifecycle.transitions] == ["sales"] * len(plain.transitions)


def test_reversed_thresholds_are_found():
    flaps = hysteresis(score("p") >= 50, score("p") < 60, where="qualifications.mql")
    assert flaps.code is Code.HYSTERESIS
    assert flaps.where == "qualifications.mql"
    assert flaps.story == ("score p 50", "enters and leaves at the same instant")
    assert hysteresis(score("p") >= 50, score("p") < 40) is None
    many = at_least(7, *(evidence(f"e{number}") for number in range(13)))
    assert hysteresis(many, identified()).code is Code.NOT_DECIDED


def test_the_worst_comes_first():
    severities = [finding.severity for finding in check(PAIRS[Code.TRAP][0])]
    assert severities == sorted(severities, key=list(Severity).index)


def test_a_trap_after_the_last_return_has_the_whole_story():
    transitions = (
        move("rest", "a", "idle", kind=TransitionKind.RECYCLE),
        move("return", "idle", "a", kind=TransitionKind.REENTRY),
        move("win", "a", "won"),
        DROP.replace(sources=("a",)),
    )
    idle = Stage(id="idle", **RECYCLED)
    lifecycle = Lifecycle(
        stages=(stage("a"), stage("won", StageStatus.WON), stage("lost", StageStatus.LOST), idle),
        transitions=transitions,
    )
    [trap] = found(lifecycle, Code.TRAP)
    assert trap.message == "leads cannot leave 'idle' after 2 returns"
    assert trap.story == (
        "start at a", "rest to idle", "return to a", "rest to idle", "return to a", "rest to idle",
        "and no move is possible",
    )  # fmt: skip


MQL = QualificationRule(name="mql", granted_by="marketing")
SIZED = {"roles": ("bot", "marketing", "sales"), "fields": {"size": FieldSpec(type=FieldType.INTEGER), "plan": FieldSpec(choices=("free", "pro")), "on": FieldSpec(type=FieldType.BOOLEAN),
    "since": FieldSpec(type=FieldType.DATE), "share": FieldSpec(type=FieldType.NUMBER), "city": FieldSpec()}}  # fmt: skip


@pytest.mark.parametrize(
    ("guard", "possible"),
    [
        ((field("size") > 5) & (field("size") < 6), False),  # there is no whole number between them
        ((field("size") >= 5) & (field("size") < 6), True),
        ((field("plan") != "free") & (field("plan") != "pro"), False),
        ((field("plan") != "free"), True),
        (field("size").known() & ~field("size").known(), False),
        (evidence("x") & ~evidence("x"), False),
        (evidence("x", within=days(9)) & ~evidence("x"), False),
        (evidence("x") & ~evidence("x", within=days(9)), False),  # old evidence is unknown, and so is its negation
        (holds("mql") & ~holds("mql"), False),
        (identified() & ~identified(), False),
        (in_stage("b"), False),
        (in_stage("a"), True),
        ((days_in_stage() > 5) & (days_in_stage() < 5), False),
        (role("sales") & ~role("sales"), False),
        (role("sales") & role("marketing"), True),
        (inactive(days(9)) & ~inactive(days(9)), False),
        (inactive(days(9)) & ~inactive(days(30)), True),
        (~inactive(days(9)) & inactive(days(30)), False),
        (~inactive(days(3)) & inactive(elapsed(hours=60)), True),
        (~inactive(days(3)) & inactive(elapsed(hours=72)), False),  # in UTC, a day is 24 hours
        (inactive(days(3)) & ~inactive(elapsed(hours=72)), False),
        (inactive(months(1)) & ~inactive(days(31)), True),  # a month may be shorter
        (~inactive(months(1)) & inactive(days(31)), False),  # and is never longer
        (~inactive(months(1)) & inactive(days(30)), True),
        (inactive(months(1)) & inactive(days(30)) & ~inactive(days(29)), False),
        (inactive(months(1)) & ~inactive(days(31)) & inactive(days(30)), True),
        (~inactive(elapsed(hours=24)) & inactive(days(1)), False),
        (evidence("x", within=days(1)) & ~evidence("x", within=elapsed(hours=24)), False),
        ((score("points") >= 50) & (score("points") != 50), False),  # its cap
        (evidence("x", within=days(9)) & ~evidence("x", within=days(30)), False),
        ((count("call", within=days(7)) > 2) & (count("call", within=days(30)) < 2), False),
        ((count("call", within=days(7)) >= 1) & (count("call", within=days(30)) >= 5), True),
        ((count("call", within=days(30)) >= 5) & (count("call", within=days(7)) < 1), True),
        ((count("call") >= 3) & (count("call", within=days(7)) >= 2) & (count("call", within=days(7)) <= 4), True),
        ((count("call") == 3) & (count("call", page="/x") >= 1) & (count("call", page="/x") != 3), True),
        ((count("call") <= 3) & (count("call", page="/x") >= 2) & (count("call", "form") >= 7), True),
        (
            (count() < 4) & (count("call") >= 2) & (count("form") >= 2),
            True,
        ),  # the checker does not add the counts of kinds
        ((field("since") > "2026-03-01") & (field("since") < "2026-03-03"), True),
        ((field("since") > "2026-03-01") & (field("since") < "2026-03-02"), False),
        (field("since").known(), True),
        ((field("since") != "2026-03-01") & (field("since") >= "2026-03-01"), True),
        (field("share").known(), True),
        ((field("share") > 0.5) & (field("share") < 0.6), True),
        ((field("city") > "a") & (field("city") < "b"), True),
        ((field("city") > "z"), True),
        ((field("city") > "a") & (field("city") < "ab"), True),
        ((field("city") < "m") & field("city").contains("z"), True),
        (
            field("city").contains("u")
            & field("city").contains("v")
            & field("city").contains("w")
            & field("city").contains("x")
            & field("city").contains("y")
            & ~field("city").contains(" "),
            True,
        ),
        ((latest("call", "page") > 5) | (latest("call", "page") == "many"), True),
        (latest("call", "page").known() & ~(latest("call", "page") >= 0) & ~(latest("call", "page") < 0), False),
        (role("sales") & role("marketing") & ~role("bot"), True),
        (role("sales", "marketing") & ~role("bot"), True),
        (role("sales", "marketing") & ~role("sales") & ~role("marketing"), False),
        ((score("chance") >= 0) & (score("chance") < 0.5), True),
        ((score("chance") > 0.9) & (score("chance") <= 1), True),
        (score("points") > 49, True),
        (score("capped") > 50, True),
        ((score("capped") > 50) & (score("capped") < 50.5), True),
        ((count("call") >= 2) & (count("call") < 2), False),
        ((count("call", within=days(7)) >= 2) & (count("call") < 2), False),
        ((count("call", within=days(7)) < 2) & (count("call") >= 2), True),
        ((count("call") < 2) & (count("call", within=days(7)) >= 2), False),
        ((count("call", page="/x") >= 2) & (count("call", "form") < 2), False),
        ((total("minutes", "call") > 5) & (total("minutes", "call") < 3), False),
        ((latest("call", "page") == "/x") & (latest("call", "page") == "/y"), False),
        ((latest("call", "page").contains("x")) & (latest("call", "page").contains("y")), True),
        ((score("points") > 5) & (score("points") < 5), False),
        ((score("points") > 5) & (band("points") == "cold"), False),
        ((score("points") > 25) & (band("points") == "warm"), True),
    ],
)
def test_what_can_be_true_and_what_cannot(guard, possible):
    policy = Points(
        name="points", rules=(FieldRule(name="x", when=field("size") > 1, points=50),), bands={"cold": 0, "warm": 5}
    )
    chance = CustomPolicy(name="chance", scale="probability")
    capped = Points(name="capped", rules=(FieldRule(name="x", when=field("size") > 1, points=50.5),))
    playbook = Playbook(
        id="mine", lifecycle=cycle(move("jump", "a", "won", guard, kind=TransitionKind.SKIP)), scores=(policy, chance, capped),
        evidence={"x": "x"}, activity_kinds={"call": {}, "form": {}}, qualifications=[MQL], **SIZED,
    )  # fmt: skip
    assert (not found(playbook, Code.NEVER_TRUE)) is possible


GRADE = Grid(name="grade", fit=FIT, engagement=ENGAGED)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (cycle_number() >= 2, cycle_number() < 9, "cycle 2"),
        (readiness() >= "mid", readiness() < "late", "readiness mid"),
        (days_in_stage() >= 3, days_in_stage() < 9, "3 days in the stage"),
        (field("on") == True, field("on").known(), "on True"),  # noqa: E712
        (band("grade") >= "B1", band("grade") <= "A4", "band grade B1"),
        (at_least(2, identified(), sold(), holds("mql")), holds("mql"), "holds mql"),
        (count("call", page="/x", within=days(7), since_recycling=True) >= 2, identified(), "2 of call where page is /x within 7 days since the recycling or win"),
        (count() >= 2, identified(), "2 of any activity"),
        (total("minutes", "call") >= 2, identified(), "sum minutes call 2"),
        (latest("call", "page") == "/x", identified(), "latest call page /x"),
        (evidence("x", within=days(9)), identified(), "evidence of x: yes"),
        (inactive(days(9)), identified(), "days ago"),
        (role("sales"), identified(), "asked by sales"),
        (CustomGuard(name="mine", call=lambda view: True), identified(), "mine answers True"),
        (in_stage("a") & sold(), identified(), "in stage a"),
        (~evidence("x"), sold(), "evidence of x: no"),
        (score("points") < 3, band("points") == "cold", "score points"),
    ],
)  # fmt: skip
def test_the_witness_of_an_overlap_is_in_words(first, second, words):
    points = Points(
        name="points", rules=(FieldRule(name="x", when=field("size") > 1, points=50),), bands={"cold": 0, "warm": 5}
    )
    playbook = Playbook(
        id="mine", lifecycle=cycle(move("advance", "a", "b", first), move("advance", "a", "won", second)),
        scores=(GRADE, points), evidence={"x": "x"}, activity_kinds={"call": {}}, qualifications=[MQL], **SIZED,
    )  # fmt: skip
    [overlap] = found(playbook, Code.OVERLAP)
    assert words in ", ".join(overlap.story)


def test_bands_without_a_policy_are_separate_questions():
    assert Code.OVERLAP in codes(
        cycle(move("advance", "a", "b", band("x") == "A"), move("advance", "a", "won", band("x") >= "A"))
    )
    both = move("advance", "a", "b", (band("x") == "A") & ~(band("x") == "A"))
    assert Code.NEVER_TRUE in codes(cycle(both))
    assert Code.NEVER_TRUE not in codes(cycle(move("advance", "a", "b", in_stage("a", "b"))))


def test_a_score_that_reads_a_personal_field_is_found():
    rules = (
        FieldRule(name="x", when=field("email").known(), points=50),
        ActivityRule(name="y", kinds=("call",), points=1),
    )
    playbook = book(fields={"email": FieldSpec()}, activity_kinds={"call": {}}, scores=(Points(name="p", rules=rules),))
    [finding] = found(playbook, Code.PERSONAL_UNFLAGGED)
    assert "is read by scores.0" in finding.message
    guarded = book(move("x", "a", "b", field("size") >= 1), **SIZED)
    assert not found(guarded, Code.PERSONAL_UNFLAGGED)


def test_a_score_cannot_pass_its_cap():
    policy = Points(name="points", rules=(FieldRule(name="x", when=field("size") > 1, points=50),), cap=20)
    low = (score("points") > 5) | (score("points") >= 20)
    guards = [move("advance", "a", "b", score("points") >= 20), move("advance", "a", "won", score("points") < 20)]
    playbook = Playbook(id="mine", lifecycle=cycle(*guards, move("x", "a", "won", low)), scores=(policy,), **SIZED)
    assert not found(playbook, Code.OVERLAP)


def test_the_search_has_a_budget():
    from leadlife.checks.proofs import Budget, Goal, Proof, together

    leaves = [evidence(f"e{number}") for number in range(12)]
    goals = [Goal(at_least(7, *leaves), True), Goal(at_least(6, *leaves), False)]
    assert together(goals).proof is Proof.IMPOSSIBLE
    assert together(goals, budget=Budget(50)).proof is Proof.NOT_DECIDED
    many = [move("advance", "a", ("b", "won")[number % 2], evidence(f"e{number}")) for number in range(3_000)]
    assert Code.NOT_DECIDED in codes(cycle(*many))


def test_a_win_resets_the_number_of_returns():
    transitions = (
        move("rest", "a", "idle", kind=TransitionKind.RECYCLE),
        move("return", "idle", "b", kind=TransitionKind.REENTRY),
        move("win", "b", "won"),
        move("again", "won", "a", kind=TransitionKind.REPEAT),
    )
    idle = Stage(id="idle", status=StageStatus.RECYCLED, cool_down=days(9), reentry_limit=1)
    stages = (Stage(id="a"), Stage(id="b"), Stage(id="won", status=StageStatus.WON), idle)
    assert not found(Lifecycle(stages=stages, transitions=transitions), Code.TRAP)


def test_a_text_that_does_not_contain_a_part_is_tried():
    assert not found(cycle(move("advance", "a", "b", ~field("city").contains("o"))), Code.NEVER_TRUE)
    assert not found(
        cycle(move("advance", "a", "b", ~field("city").contains("e") & field("city").known())), Code.NEVER_TRUE
    )


def test_reopenings_to_different_stages_do_not_overlap():
    assert not codes(cycle(move("reopen", "lost", None, kind=TransitionKind.REOPEN)))


def test_a_move_that_no_lead_can_make_reaches_nothing():
    never = (field("size") > 9) & (field("size") < 5)
    lifecycle = cycle(
        move("leap", "a", "c", never, kind=TransitionKind.SKIP), move("win", "c", "won"), stages=(stage("c"),)
    )
    [lost] = found(lifecycle, Code.UNREACHABLE)
    assert "no lead can make 'leap' from a" in lost.message
    beyond = cycle(
        move("leap", "c", "d", kind=TransitionKind.SKIP), move("win", "d", "won"), stages=(stage("c"), stage("d"))
    )
    assert any("'leap' leads out of c, which no lead reaches" in one.message for one in found(beyond, Code.UNREACHABLE))


def test_eight_stage_has_only_the_findings_that_its_page_explains():
    places = [(finding.code, finding.where) for finding in check(eight_stage())]
    assert places == [
        (Code.OVERLAP, "lifecycle.transitions.10"),
        (Code.OVERLAP, "lifecycle.transitions.11"),
        (Code.OVERLAP, "lifecycle.transitions.11"),
        *[(Code.NO_TIMED_EXIT, f"lifecycle.stages.{place}") for place in range(4)],
    ]


def test_check_needs_a_definition():
    with pytest.raises(Malformed, match="a playbook or a lifecycle"):
        check("eight_stage")


@pytest.mark.parametrize(
    ("name", "personal"),
    [
        ("email", True), ("work_email", True), ("e_mail", True), ("phone", True), ("first_name", True), ("lastName", True),
        ("date of birth", True), ("street", True), ("email_domain", False), ("company_name", False), ("size", False),
        ("phone_status", False),
    ],
)  # fmt: skip
def test_names_that_look_personal(name, personal):
    from leadlife.checks.guards import looks_personal

    assert looks_personal(name) is personal


def test_every_code_has_its_page():
    from pathlib import Path

    pages = Path(__file__).parents[2] / "docs" / "findings"
    assert {page.stem for page in pages.glob("*.md")} == {code.value for code in Code}
    assert all(f"Severity: {SEVERITIES[code]}." in (pages / f"{code}.md").read_text() for code in Code)


def test_a_thousand_returns_are_not_searched_one_by_one():
    idle = Stage(id="idle", **{**RECYCLED, "reentry_limit": 1_000})
    other = Stage(id="other", **{**RECYCLED, "reentry_limit": 1_000})
    transitions = (
        move("rest", "a", "idle", kind=TransitionKind.RECYCLE, needs_reason=True),
        move("wait", "a", "other", kind=TransitionKind.RECYCLE, needs_reason=True),
        move("return", "idle", "a", kind=TransitionKind.REENTRY),
        move("come", "other", "a", kind=TransitionKind.REENTRY),
        move("win", "a", "won"),
        DROP.replace(sources=("a",)),
    )
    stages = (stage("a"), stage("won", StageStatus.WON), stage("lost", StageStatus.LOST), idle, other)
    traps = found(Lifecycle(stages=stages, transitions=transitions, reasons=("late",)), Code.TRAP)
    assert {trap.message for trap in traps} == {
        f"leads cannot leave {name!r} after all returns are used up" for name in ("idle", "other")
    }
    assert traps[0].story[-2:] == ("and so on, until no return is left", "and no move is possible")


def test_a_move_that_names_its_target_passes_the_candidates_before_it():
    twice = cycle(move("open", "a", "b"), move("open", "a", "vip"), move("win", "vip", "won"), stages=(stage("vip"),))
    [named] = check(twice)
    assert named.code is Code.OVERLAP
    assert named.message.startswith("'open' to vip is taken only by a move that names its target")
    lead = Journey.start("ada", Playbook(id="p", lifecycle=twice), at=NOW)
    assert lead.move("open", at=NOW, target="vip").stage == "vip"
    same = cycle(move("open", "a", "b"), move("open", "a", "b", evidence("x")))
    [never] = check(same)
    assert (never.code, never.message[:28]) == (Code.SHADOWED, "'open' to b is never taken: ")


def test_a_way_around_that_depends_on_the_cycle_is_not_decided():
    again = move("win", "a", "won", cycle_number() >= 2)
    life = cycle(again, move("repeat", "won", "a", kind=TransitionKind.REPEAT)).with_stages(stage("b", must_pass=True))
    assert Code.CAN_BE_AVOIDED not in codes(life)
    assert any("depends on the cycle" in one.message for one in found(life, Code.NOT_DECIDED))
    known = again.replace(guard=holds("q"))
    rule = QualificationRule(name="q", enter=cycle_number() >= 2)
    back = move("repeat", "won", "a", kind=TransitionKind.REPEAT)
    through = cycle(known, back).with_stages(stage("b", must_pass=True))
    assert Code.CAN_BE_AVOIDED not in codes(Playbook(id="p", lifecycle=through, qualifications=(rule,)))


@pytest.mark.parametrize(
    "guard", [holds("q"), in_stage("a"), ~in_stage("a"), days_in_stage() >= 0, cycle_number() >= 1]
)
def test_an_entry_that_asks_for_what_only_a_started_lead_has_is_never_taken(guard):
    entries = (EntryStage(stage="a"), EntryStage(stage="b", guard=guard & identified()))
    assert [one.where for one in found(cycle(entries=entries), Code.NEVER_TRUE)] == ["lifecycle.entries.1.guard"]


def test_an_entry_may_ask_that_nothing_is_held():
    entries = (EntryStage(stage="a"), EntryStage(stage="b", guard=~holds("q")))
    assert not found(cycle(entries=entries), Code.NEVER_TRUE)


@pytest.mark.parametrize("zone", ["Asia/Almaty", "Pacific/Apia", "Europe/Vienna"])
def test_a_day_may_be_longer_than_24_hours_wherever_clocks_have_changed(zone):
    guard = (count("call", within=elapsed(hours=24)) == 0) & (count("call", within=days(1)) >= 1)
    life = cycle(move("jump", "a", "won", guard, kind=TransitionKind.SKIP))
    assert Code.NEVER_TRUE not in codes(Playbook(id="p", zone=zone, lifecycle=life, activity_kinds={"call": {}}))


def test_a_day_may_be_shorter_than_20_hours_where_one_was_skipped():
    guard = (count("call", within=days(1)) == 0) & (count("call", within=elapsed(hours=20)) >= 1)
    life = cycle(move("jump", "a", "won", guard, kind=TransitionKind.SKIP))
    assert Code.NEVER_TRUE not in codes(
        Playbook(id="p", zone="Pacific/Apia", lifecycle=life, activity_kinds={"call": {}})
    )


def test_there_are_whole_numbers_between_large_floats():
    spec = {"n": FieldSpec(type="number")}
    between = (field("n") > 2**53) & (field("n") < 2**53 + 2)
    life = cycle(move("jump", "a", "won", between, kind=TransitionKind.SKIP))
    assert Code.NEVER_TRUE not in codes(Playbook(id="p", lifecycle=life, fields=spec))


SORT = Stage(id="sort", type=StageType.GATE, routes=(Route(guard=evidence("x"), target="b"),), default="won")


def shared(first, second, gate=SORT):
    return cycle(
        move("one", "a", "sort", first, kind=TransitionKind.SKIP),
        move("two", "a", "sort", second, kind=TransitionKind.SKIP),
        stages=(gate,),
    )


def test_a_route_of_a_gate_is_at_fault_only_if_no_move_that_shares_it_takes_it():
    assert not codes(shared(evidence("x"), ~evidence("x"))) & {Code.NEVER_TRUE, Code.SHADOWED}
    [never] = found(shared(~evidence("x"), ~evidence("x")), Code.NEVER_TRUE)
    assert "no lead can meet the guard of 'one' to b" in never.message
    own = shared(evidence("y") & ~evidence("y"), None)
    assert {one.where for one in found(own, Code.NEVER_TRUE)} == {"lifecycle.transitions.2.guard"}
    second = Route(guard=evidence("x") & evidence("y"), target="lost")
    [shadowed] = found(shared(None, None, SORT.replace(routes=(*SORT.routes, second))), Code.SHADOWED)
    assert "'one' to lost is never taken" in shadowed.message


def test_the_default_of_a_gate_may_never_be_taken_for_a_gate_must_have_one():
    both = SORT.replace(routes=(Route(guard=identified(), target="b"), Route(guard=~identified(), target="lost")))
    assert not codes(shared(None, None, both)) & {Code.NEVER_TRUE, Code.SHADOWED}


def test_returns_that_no_limit_counts_are_found():
    idle = Stage(id="idle", **RECYCLED)
    rush = move("rush", "idle", "a", kind=TransitionKind.SKIP)
    [skip] = found(cycle(*BACK, rush, stages=(idle,)), Code.ENDLESS_RECYCLING)
    assert skip.message == "leads may return from 'idle' by 'rush' without limit: no reentry is counted"
    assert skip.story[-1] == "and again, without limit"
    assert not found(cycle(*BACK, rush.replace(guard=evidence("x")), stages=(idle,)), Code.ENDLESS_RECYCLING)
    again = move("again", "lost", "a", kind=TransitionKind.REENTRY)
    [out_of_lost] = found(cycle(again), Code.ENDLESS_RECYCLING)
    assert "leads may return from 'lost' by 'again'" in out_of_lost.message
    assert not found(cycle(again.replace(needs_reason=True), reasons=(Reason(id="r"),)), Code.ENDLESS_RECYCLING)
    reopen = Transition(trigger="reopen", sources="lost", kind=TransitionKind.REOPEN)
    assert not found(cycle(reopen), Code.ENDLESS_RECYCLING)


def test_an_entry_that_nobody_can_take_is_found():
    entries = (EntryStage(stage="a"), EntryStage(stage="b", guard=identified() & ~identified()))
    [never] = found(cycle(entries=entries), Code.NEVER_TRUE)
    assert (never.where, "no lead can begin at 'b'" in never.message) == ("lifecycle.entries.1.guard", True)
    referred = cycle(referral_entries=entries)
    assert [one.where for one in found(referred, Code.NEVER_TRUE)] == ["lifecycle.referral_entries.1.guard"]


def test_a_limit_that_leaves_the_lead_where_it_is_is_found():
    noted = Stage(id="a", limit=Limit(after=days(9), trigger="note"))
    internal = cycle(Transition(trigger="note", sources="a", kind="forward"), a=noted)
    [finding] = found(internal, Code.LIMIT_MAY_WAIT)
    assert "does not end the visit" in finding.message
    several = cycle(
        *[Transition(trigger="note", sources="a", target=to, kind="skip", guard=guard)
          for to, guard in (("b", identified()), ("won", ~identified()))], a=noted,
    )  # fmt: skip
    assert not found(several, Code.LIMIT_MAY_WAIT)  # one of the two is always open
    [waits] = found(PAIRS[Code.LIMIT_MAY_WAIT][0], Code.LIMIT_MAY_WAIT)
    assert waits.story[-1] == "the lead stays until the guard is true"


def test_a_thousand_candidates_of_one_trigger_are_looked_at_a_few_times_each(monkeypatch):
    asked = []
    real = walks.Walks.together
    monkeypatch.setattr(
        walks.Walks, "together", lambda self, goals, where: asked.append(where) or real(self, goals, where)
    )
    moves = [move("go", "a", "b", field("size") == number) for number in range(1_000)]
    check(cycle(*moves))
    assert len(asked) < 5_000
