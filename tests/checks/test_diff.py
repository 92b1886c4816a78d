"""The difference of two playbooks, in declarations and in what is legal."""

import pytest

from leadlife import (
    FieldRule,
    FieldSpec,
    Lifecycle,
    Malformed,
    Playbook,
    Points,
    QualificationRule,
    Stage,
    Transition,
    days,
    elapsed,
)
from leadlife.checks import Bump, ChangeKind, check, diff
from leadlife.criteria import band, evidence, field, holds, identified, in_stage
from leadlife.errors import UnknownName
from leadlife.lifecycle import EntryStage, Reason, Route, StageStatus, StageType, TransitionKind
from leadlife.presets import eight_stage
from leadlife.scoring import Scaled
from leadlife.timing import months

EIGHT = eight_stage()


def with_rule(trigger, **changes):
    rules = tuple(rule.replace(**changes) if rule.trigger == trigger else rule for rule in EIGHT.lifecycle.transitions)
    return EIGHT.with_lifecycle(EIGHT.lifecycle.replace(transitions=rules))


def with_stage(name, **changes):
    return EIGHT.with_lifecycle(EIGHT.lifecycle.with_stages(EIGHT.lifecycle.stage(name).replace(**changes)))


def moves_of(legalities):
    return {(one.stage, one.trigger, one.target) for one in legalities}


def test_a_playbook_does_not_differ_from_itself():
    same = diff(EIGHT, Playbook.model_validate(EIGHT.model_dump(mode="json")))
    assert same == ((), (), (), Bump.NONE, {}, ())
    assert str(same) == "no difference"


def test_a_tightened_guard_makes_moves_illegal_for_a_lead_that_it_shows():
    found = diff(EIGHT, with_rule("qualify", guard=holds("mql")))
    [lost] = found.now_illegal
    assert (lost.stage, lost.trigger, lost.target) == ("target", "qualify", "lead")
    assert lost.witness == ("not: holds mql", "holds pql")
    assert lost.instead == "no guard is true"
    assert lost.story == ("start at target",)
    assert (found.now_legal, found.version_bump) == ((), Bump.MAJOR)
    [change] = found.changes
    assert str(change) == (
        "transition qualify from target to lead changed (guard: holds mql or holds pql -> holds mql)"
    )


def test_a_loosened_guard_makes_moves_legal():
    found = diff(EIGHT, with_rule("accept", roles=()))
    [gained] = found.now_legal
    assert gained.witness == ("asked by a person without a role",)
    assert gained.instead == "only sales may make this move"
    assert found.version_bump is Bump.MINOR
    assert moves_of(diff(with_rule("accept", roles=()), EIGHT).now_illegal) == {("lead", "accept", "sales_lead")}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (with_rule("lose", needs_reason=False), "without a reason"),
        (with_stage("recycled", cool_down=days(10)), "before 30 days are over"),
        (with_stage("recycled", cool_down=None), "before 30 days are over"),
        (with_stage("recycled", reentry_limit=9), "after 3 or more returns"),
        (with_stage("recycled", reentry_limit=None), "after 3 or more returns"),
    ],
)
def test_the_witness_names_a_limit_that_is_not_a_guard(changed, words):
    found = diff(EIGHT, changed)
    assert found.now_legal
    assert all(words in one.witness for one in found.now_legal)
    assert not found.now_illegal
    back = diff(changed, EIGHT)
    assert moves_of(back.now_illegal) == moves_of(found.now_legal)
    assert not back.now_legal
    assert back.version_bump is Bump.MAJOR


def test_a_move_that_leads_elsewhere_is_both():
    found = diff(EIGHT, with_rule("rush_to_sales", target="lead"))
    assert ("name", "rush_to_sales", "lead") in moves_of(found.now_legal)
    assert ("name", "rush_to_sales", "sales_lead") in moves_of(found.now_illegal)
    assert found.now_legal[0].instead == "to sales_lead"


def test_words_alone_are_a_patch():
    found = diff(EIGHT, with_stage("lead", meaning="other words", label="Lead!"))
    assert found.version_bump is Bump.PATCH
    assert [one[0] for one in found.changes[0].aspects] == ["label", "meaning"]


def test_what_is_declared_more_is_minor_and_what_is_gone_major():
    more = EIGHT.with_fields(size=FieldSpec())
    found = diff(EIGHT, more)
    assert [(one.what, one.name, one.how) for one in found.changes] == [("field", "size", ChangeKind.ADDED)]
    assert found.version_bump is Bump.MINOR
    back = diff(more, EIGHT)
    assert (back.changes[0].how, back.version_bump) == (ChangeKind.REMOVED, Bump.MAJOR)


def test_everything_that_is_declared_is_compared():
    changed = EIGHT.replace(
        id="mine", version="2", zone="Europe/Lisbon", meaning="",
        evidence={**EIGHT.evidence, "fit": "new words"},
        scores=(*EIGHT.scores, Points(name="p", rules=())),
        lifecycle=EIGHT.lifecycle.replace(
            reasons=(*EIGHT.lifecycle.reasons, Reason(id="moved away")),
            entries=(EntryStage(stage="name"), EntryStage(stage="awareness", guard=identified())),
            referral_entries=(),
            stages=(*EIGHT.lifecycle.stages[1:], EIGHT.lifecycle.stages[0]),
        ),
    )  # fmt: skip
    differences = {(one.what, one.name, one.how.value) for one in diff(EIGHT, changed).changes}
    assert differences >= {
        ("playbook", "id", "changed"),
        ("playbook", "version", "changed"),
        ("playbook", "zone", "changed"),
        ("playbook", "meaning", "changed"),
        ("evidence", "fit", "changed"),
        ("score", "p", "added"),
        ("reason", "moved away", "added"),
        ("entry", "awareness", "changed"),
        ("referral entry", "target", "removed"),
        ("order of", "stages", "changed"),
        ("order of", "entries", "changed"),
    }
    plain = EIGHT.with_score(Points(name="p", rules=()))
    banded = plain.with_score(Points(name="p", rules=(), bands={"all": 0}))
    assert diff(plain, banded).changes[0].aspects == (("bands", "none", "all: 0"),)
    other = diff(plain, plain.with_score(Scaled(name="p", of=Points(name="q", rules=()), by=2))).changes[0]
    assert [aspect for aspect, _, _ in other.aspects] == ["kind"]
    assert diff(plain, plain.with_score(Points(name="p", rules=(), cap=5))).changes[0].aspects == (
        ("cap", "none", "5"),
    )


def renamed_eight(old, new, **more):
    text = EIGHT.model_dump_json().replace(f'"{old}"', f'"{new}"')
    book = Playbook.model_validate_json(text)
    return book.with_lifecycle(book.lifecycle.with_stages(book.lifecycle.stage(new).replace(**more)))


def test_a_renamed_stage_is_recognised_and_mapped():
    found = diff(EIGHT, renamed_eight("opportunity", "deal"))
    assert found.stages == {"opportunity": "deal"}
    assert ("stage", "opportunity", ChangeKind.RENAMED) in {(one.what, one.name, one.how) for one in found.changes}
    assert (found.now_legal, found.now_illegal, found.version_bump) == ((), (), Bump.MAJOR)


def test_a_renamed_stage_is_renamed_in_criteria_too():
    asked = (in_stage("a") | ~in_stage("a", "b")) & identified()
    life = {
        "stages": [{"id": "a"}, {"id": "b"}, {"id": "won", "status": "won"}],
        "transitions": [{"trigger": "win", "sources": ["a", "b"], "target": "won", "kind": "forward", "guard": asked}],
    }
    before = Playbook(id="p", lifecycle=life, qualifications=[QualificationRule(name="q", enter=in_stage("a"))])
    after = Playbook.model_validate_json(before.model_dump_json().replace('"a"', '"mql"'))
    found = diff(before, after, renamed={"a": "mql"})
    assert [(one.what, one.how) for one in found.changes] == [("stage", ChangeKind.RENAMED)]
    assert (found.now_legal, found.now_illegal) == ((), ())


def test_a_stage_with_no_clear_successor_needs_a_decision():
    changed = renamed_eight("opportunity", "deal", meaning="quite another", limit=None, type=StageType.INVENTORY)
    assert diff(EIGHT, changed).stages == {"opportunity": None}
    mapped = diff(EIGHT, changed, renamed={"opportunity": "deal"})
    assert mapped.stages == {"opportunity": "deal"}
    assert {one[0] for change in mapped.changes if change.what == "stage" for one in change.aspects} >= {
        "meaning",
        "limit",
    }
    assert "leads in opportunity go to: ?" in str(diff(EIGHT, changed))
    illegal = diff(EIGHT, changed.with_lifecycle(changed.lifecycle.without("open")), renamed={"opportunity": "deal"})
    assert ("sales_lead", "open", "opportunity") in moves_of(illegal.now_illegal)
    labels = [renamed_eight("engagement", name, label="Talks", meaning=name) for name in ("engagement", "talking")]
    assert diff(*labels).stages == {"engagement": "talking"}


def test_two_equal_stages_are_not_guessed_apart():
    def book(*names):
        stages = (Stage(id="a"), *(Stage(id=name) for name in names), Stage(id="won", status=StageStatus.WON))
        moves = tuple(
            Transition(trigger="go", sources=("a",), target=name, kind=TransitionKind.FORWARD)
            for name in (*names, "won")
        )
        return Playbook(id="x", lifecycle=Lifecycle(stages=stages, transitions=moves))

    assert diff(book("b", "c"), book("d", "e")).stages == {"b": None, "c": None}


def test_an_adoption_takes_the_map_of_stages():
    from datetime import UTC, datetime

    from leadlife import PlaybookAdopted

    new = renamed_eight("opportunity", "deal").replace(version="2")
    at = datetime(2026, 3, 2, tzinfo=UTC)
    fact = PlaybookAdopted(playbook=new.ref, stages=diff(EIGHT, new).stages, at=at)
    assert fact.stages == {"opportunity": "deal"}


def test_a_move_whose_guards_ask_too_many_questions_is_not_decided():
    asks = [evidence(f"e{number}") for number in range(14)]
    words = {f"e{number}": "" for number in range(14)}

    def book(*guards):
        stages = (Stage(id="a"), Stage(id="b"), Stage(id="won", status=StageStatus.WON))
        moves = [
            Transition(
                trigger="go",
                sources=("a",),
                target="b" if place % 2 else "won",
                kind=TransitionKind.FORWARD,
                guard=guard,
            )
            for place, guard in enumerate(guards)
        ]
        return Playbook(id="x", lifecycle=Lifecycle(stages=stages, transitions=tuple(moves)), evidence=words)

    found = diff(book(*asks), book(*asks[:-1], identified()))
    assert (found.not_decided, found.now_legal) == (("go from a",), ())
    assert "not decided: go from a" in str(found)
    assert diff(book(*asks), book(*asks).replace(version="2")).not_decided == ()


def test_a_move_through_a_gate_is_compared_by_its_final_stage():
    def book(*routes):
        gate = Stage(id="sort", type=StageType.GATE, routes=routes, default="b")
        stages = (Stage(id="a"), gate, Stage(id="b"), Stage(id="won", status=StageStatus.WON))
        moves = (Transition(trigger="go", sources=("a",), target="sort", kind=TransitionKind.FORWARD),)
        return Playbook(
            id="x", lifecycle=Lifecycle(stages=stages, transitions=moves), fields={"size": FieldSpec(type="integer")}
        )

    found = diff(book(), book(Route(guard=field("size") >= 5, target="won")))
    [gained] = found.now_legal
    assert (gained.target, gained.witness, gained.instead) == ("won", ("size 5",), "to b")
    assert moves_of(found.now_illegal) == {("a", "go", "b")}


def test_the_moves_of_a_removed_stage_become_illegal():
    stages = tuple(stage for stage in EIGHT.lifecycle.stages if stage.id != "lost")
    rules = EIGHT.lifecycle.without("lose").transitions
    rules = [
        rule.replace(sources=tuple(one for one in rule.sources if one != "lost")) for rule in rules if rule.sources != ("lost",)
    ]  # fmt: skip
    found = diff(EIGHT, EIGHT.with_lifecycle(EIGHT.lifecycle.replace(stages=stages, transitions=tuple(rules))))
    assert found.stages == {"lost": None}
    reopened = next(one for one in found.now_illegal if (one.stage, one.trigger) == ("lost", "reopen"))
    assert reopened.instead == "there is no such stage"
    assert "opportunity was left" in reopened.witness


TAKEN = [
    *[("transition", place) for place in range(len(EIGHT.lifecycle.transitions))],
    *[("limit", stage.id) for stage in EIGHT.lifecycle.stages if stage.limit],
    ("cool_down", "recycled"),
    ("reentry_limit", "recycled"),
]


@pytest.mark.parametrize(("what", "which"), TAKEN)
def test_everything_that_is_removed_from_eight_stage_is_reported(what, which):
    if what == "transition":
        rules = EIGHT.lifecycle.transitions
        try:
            less = EIGHT.with_lifecycle(EIGHT.lifecycle.replace(transitions=rules[:which] + rules[which + 1 :]))
        except Malformed as fault:
            assert "recycle" in str(fault)  # the time limits need this move, so the playbook cannot be built
            return
        assert diff(EIGHT, less).now_illegal
    else:
        more = {"type": StageType.INVENTORY} if what == "limit" else {}
        less = with_stage(which, **{what: None}, **more)
        assert set(check(less)) - set(check(EIGHT))
    assert diff(EIGHT, less).changes


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (lambda: diff(EIGHT, "eight_stage"), Malformed),
        (lambda: diff(EIGHT, EIGHT, renamed={"leed": "lead"}), UnknownName),
        (lambda: diff(EIGHT, EIGHT, renamed={"lead": "leed"}), UnknownName),
    ],
)
def test_what_cannot_be_compared_is_refused(broken, error):
    with pytest.raises(error):
        broken()


def with_life(**changes):
    return EIGHT.with_lifecycle(EIGHT.lifecycle.replace(**changes))


def with_move(place, **changes):
    rules = list(EIGHT.lifecycle.transitions)
    rules[place] = rules[place].replace(**changes)
    return with_life(transitions=tuple(rules))


def test_a_restriction_requires_a_major_version():
    life = EIGHT.lifecycle
    place = next(place for place, rule in enumerate(life.transitions) if rule.needs_reason)
    two, one = (with_move(place, reasons=tuple(one.id for one in life.reasons[:number])) for number in (2, 1))
    assert (diff(two, one).version_bump, diff(one, two).version_bump) == (Bump.MAJOR, Bump.MINOR)
    free = with_move(place, reasons=())
    assert (diff(free, one).version_bump, diff(one, free).version_bump) == (Bump.MAJOR, Bump.MINOR)
    spare = [with_life(reasons=(*life.reasons, Reason(id="spare", needs_note=noted))) for noted in (False, True)]
    assert (diff(*spare).version_bump, diff(*reversed(spare)).version_bump) == (Bump.MAJOR, Bump.MINOR)
    asked = with_life(entries=(life.entries[0].replace(guard=evidence("need")), *life.entries[1:]))
    assert (diff(EIGHT, asked).version_bump, diff(asked, EIGHT).version_bump) == (Bump.MAJOR, Bump.MINOR)
    fields = [
        EIGHT.replace(fields={**EIGHT.fields, "plan": FieldSpec(choices=several)}) for several in (("a", "b"), ("a",))
    ]
    assert (diff(*fields).version_bump, diff(*reversed(fields)).version_bump) == (Bump.MAJOR, Bump.MINOR)
    # Compared as values: a choice may have any name, and any text in it.
    odd = [
        EIGHT.replace(fields={**EIGHT.fields, "plan": FieldSpec(choices=several)})
        for several in (("a; b", "none", "c"), ("a", "b", "none"), ("none",), ())
    ]
    assert diff(odd[0], odd[1]).version_bump is Bump.MAJOR
    assert (diff(odd[1], odd[2]).version_bump, diff(odd[2], odd[1]).version_bump) == (Bump.MAJOR, Bump.MINOR)
    assert (diff(odd[3], odd[2]).version_bump, diff(odd[2], odd[3]).version_bump) == (Bump.MAJOR, Bump.MINOR)
    typed = [EIGHT.replace(fields={**EIGHT.fields, "plan": FieldSpec(type=sort)}) for sort in ("text", "integer")]
    assert diff(*typed).version_bump is Bump.MAJOR
    words = [EIGHT.replace(fields={**EIGHT.fields, "plan": FieldSpec(meaning=word)}) for word in ("x", "y")]
    assert diff(*words).version_bump is Bump.PATCH


def test_bands_and_fields_with_a_changed_type_can_still_be_compared():
    def booked(bands, sort, *guards):
        policy = Points(name="points", rules=(FieldRule(name="x", when=field("size").known(), points=9),), bands=bands)
        book = EIGHT.replace(fields={**EIGHT.fields, "size": FieldSpec(type=sort)}, scores=(*EIGHT.scores, policy))
        rules = (book.lifecycle.transitions[0].replace(guard=guards[0]), *book.lifecycle.transitions[1:])
        return book.with_lifecycle(book.lifecycle.replace(transitions=rules))

    old = booked({"low": 0, "high": 5}, "integer", (field("size") > 3) & (band("points") == "high"))
    new = booked({"small": 0, "large": 5}, "text", (field("size") == "many") & (band("points") == "large"))
    assert diff(old, new).now_illegal
    assert diff(new, old).now_illegal


@pytest.mark.parametrize(
    ("before", "after", "stricter"),
    [
        (months(1), days(31), True),
        (days(31), months(1), False),
        (months(1), days(30), True),  # in February
        (days(30), months(1), True),  # in March
        (days(1), elapsed(hours=24), False),  # in UTC
        (days(9), days(10), True),
    ],
)
def test_a_cool_down_is_compared_by_the_calendar(before, after, stricter):
    one, other = (with_stage("recycled", cool_down=rest) for rest in (before, after))
    assert bool(diff(one, other).now_illegal) is stricter
