"""Strategies for playbooks and histories: the playbooks are legal, the histories are often not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from leadlife.criteria import CustomGuard, View, channel, consent, count, evidence, field, identified, role, sold
from leadlife.errors import InvalidDefinition, Malformed, MoveRefused
from leadlife.facts import (
    ActivityRecorded,
    ConsentChanged,
    EvidenceGiven,
    Fact,
    FieldChanged,
    Identified,
    Moved,
    QualificationGranted,
    QualificationWithdrawn,
    Retracted,
    ScoreReported,
    Sold,
    StageReached,
    Started,
)
from leadlife.journey import Journey
from leadlife.leads import ActivityKind, Actor, Source
from leadlife.lifecycle.lifecycle import Lifecycle
from leadlife.lifecycle.stages import EntryStage, Limit, Reason, Route, Stage, StageStatus, StageType
from leadlife.lifecycle.transitions import Transition, TransitionKind
from leadlife.playbook.fields import FieldSpec, FieldType
from leadlife.playbook.playbook import Playbook
from leadlife.scoring import CustomPolicy
from leadlife.testing.engagement_strategies import engagement_drafts, with_engagement
from leadlife.testing.rule_strategies import with_rules
from leadlife.timing import Calendar, Elapsed, days, elapsed, months

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
TRIGGERS = ("go", "skip", "leave", "back", "again")
WORDS = ("fit", "sql")
KINDS = ("call", "page_view")
ZONES = ("UTC", "America/Sao_Paulo", "Europe/Berlin")
ACTORS = (Actor(id="ann", roles=("sales",)), Actor(id="bob"), Actor(id="cy", roles=("marketing",)))


def made(model: Callable[..., Any], /, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Generate models from these parts only.

    ``st.builds`` would infer further parts. For a model that pydantic has not built yet, it infers them from the
    signature of the base class, which is wrong.
    """
    return st.fixed_dictionaries(parts).map(lambda parts: model(**parts))


def _sometimes(view: View) -> bool | None:
    size = view.field("size")
    return None if size is None else bool(size.value % 2)


def _criteria() -> st.SearchStrategy[Any]:
    leaves: st.SearchStrategy[Any] = st.sampled_from(
        [
            evidence("fit"),
            evidence("sql"),
            identified(),
            sold(),
            role("sales"),
            channel("email", "fair"),
            consent("newsletter") == "granted",
            field("size") >= 3,
            count("call") >= 1,
            count("call", "page_view", within=days(3)) >= 2,
            count("call", since_recycling=True) >= 1,
            CustomGuard(name="sometimes", call=_sometimes),
        ]
    )
    pairs = st.tuples(leaves, leaves)
    return leaves | leaves.map(lambda c: ~c) | pairs.map(lambda p: p[0] & p[1]) | pairs.map(lambda p: p[0] | p[1])


@st.composite
def lifecycles(draw: st.DrawFn) -> Lifecycle:
    """Generate small legal lifecycles with recycling, gates, limits, reopening and guards of every kind."""
    open_ones = [f"s{number}" for number in range(draw(st.integers(1, 4)))]
    rest = {
        "recycled": StageStatus.RECYCLED,
        "won": StageStatus.WON,
        "lost": StageStatus.LOST,
        "churned": StageStatus.CHURNED,
    }
    gated = draw(st.booleans())
    names = [*open_ones, *rest]
    guard = st.none() | _criteria()
    rules: list[Transition] = []
    for name in names:
        status = rest.get(name, StageStatus.OPEN)
        for _ in range(draw(st.integers(1, 3))):
            rules.append(draw(_rules(source=name, status=status, names=names, rest=rest, guard=guard, gated=gated)))  # noqa: PERF401
    stages = [draw(_stages(name, rest.get(name, StageStatus.OPEN), rules)) for name in names]
    if gated:
        route = Route(guard=draw(_criteria()), target=draw(st.sampled_from(_unchurned(names))))
        stages.append(Stage(id="gate", type=StageType.GATE, routes=(route,), default=draw(st.sampled_from(open_ones))))
    entries = (EntryStage(stage=open_ones[0]), EntryStage(stage=open_ones[-1], guard=draw(guard)))
    reasons = (Reason(id="timing"), Reason(id="other", needs_note=True))
    try:
        return Lifecycle(stages=tuple(stages), transitions=tuple(rules), entries=entries, reasons=reasons)
    except InvalidDefinition:
        # Limits that lead in a circle are refused, and without limits there is no such circle.
        unlimited = tuple(stage.replace(limit=None, type=_without_limit(stage)) for stage in stages)
        return Lifecycle(stages=unlimited, transitions=tuple(rules), entries=entries, reasons=reasons)


def _unchurned(names: list[str]) -> list[str]:
    """Return the stages that a lead can be led to which never bought."""
    return [name for name in names if name != "churned"]


def _without_limit(stage: Stage) -> StageType:
    return StageType.INVENTORY if stage.type is StageType.SLA else stage.type


@st.composite
def _rules(
    draw: st.DrawFn,
    *,
    source: str,
    status: StageStatus,
    names: list[str],
    rest: dict[str, StageStatus],
    guard: st.SearchStrategy[Any],
    gated: bool,
) -> Transition:
    open_ones = [name for name in names if name not in rest]
    kinds = {
        StageStatus.OPEN: [
            TransitionKind.FORWARD,
            TransitionKind.BACKWARD,
            TransitionKind.SKIP,
            TransitionKind.EXIT,
            TransitionKind.RECYCLE,
        ],
        StageStatus.RECYCLED: [TransitionKind.REENTRY, TransitionKind.SKIP, TransitionKind.EXIT],
        StageStatus.WON: [TransitionKind.REPEAT, TransitionKind.RECYCLE, TransitionKind.REOPEN, TransitionKind.CHURN],
        StageStatus.CHURNED: [TransitionKind.REPEAT],
        StageStatus.LOST: [TransitionKind.REENTRY, TransitionKind.RECYCLE, TransitionKind.REOPEN],
    }[status]
    kind = draw(st.sampled_from(kinds))
    target: str | None
    match kind:
        case TransitionKind.RECYCLE:
            target = "recycled"
        case TransitionKind.EXIT:
            target = "lost"
        case TransitionKind.CHURN:
            target = "churned"
        case TransitionKind.REOPEN:
            target = None
        case TransitionKind.REENTRY | TransitionKind.REPEAT:
            target = draw(st.sampled_from([*open_ones, "won"] if status is StageStatus.CHURNED else open_ones))
        case _:
            target = draw(st.sampled_from([*_unchurned(names), None, *(["gate"] if gated else [])]))
    wildcard = (
        status is StageStatus.OPEN
        and kind in (TransitionKind.SKIP, TransitionKind.EXIT, TransitionKind.RECYCLE)
        and draw(st.booleans())
    )
    needs_reason = draw(st.sampled_from([False, False, True]))
    fired_by = draw(st.sampled_from([None] if needs_reason else [None, None, None, "sold", "evidence", "activity"]))
    return Transition(
        trigger=draw(st.sampled_from(TRIGGERS)),
        sources="*" if wildcard else (source,),
        target=target,
        kind=kind,
        guard=draw(guard),
        roles=draw(st.sampled_from(((), (), ("sales",)))),
        needs_reason=needs_reason,
        on=fired_by,
        pending=fired_by is not None and draw(st.booleans()),
    )


@st.composite
def _stages(draw: st.DrawFn, name: str, status: StageStatus, rules: list[Transition]) -> Stage:
    triggers = sorted({rule.trigger for rule in rules if name in rule.sources})
    limit: Limit | None = None
    if draw(st.booleans()) and triggers:
        choices: list[Elapsed | Calendar] = [days(2), days(9), elapsed(hours=30), months(1)]
        after = draw(st.sampled_from(choices))
        limit = Limit(after=after, trigger=draw(st.sampled_from(triggers)), reason="timing")
    recycled = status is StageStatus.RECYCLED
    return Stage(
        id=name,
        status=status,
        on_path=status in (StageStatus.OPEN, StageStatus.WON),
        type=StageType.SLA if limit else StageType.INVENTORY,
        limit=limit,
        cool_down=days(2) if recycled and draw(st.booleans()) else None,
        reentry_limit=draw(st.sampled_from([None, 0, 1, 2])) if recycled else None,
    )


@st.composite
def playbooks(draw: st.DrawFn, *, version: str = "1") -> Playbook:
    """Generate playbooks with generated lifecycles.

    Half of them have qualification rules and automatic transitions, and a quarter programmes and handoff.
    """
    plain = Playbook(
        id="generated",
        purposes={"newsletter": ""},
        version=version,
        zone=draw(st.sampled_from(ZONES)),
        lifecycle=draw(lifecycles()),
        fields={"size": FieldSpec(type=FieldType.INTEGER)},
        roles=("sales",),
        activity_kinds={kind: ActivityKind() for kind in KINDS},
        evidence=dict.fromkeys(WORDS, ""),
    )
    ruled = draw(with_rules(plain)) if draw(st.booleans()) else plain
    return draw(with_engagement(ruled)) if draw(st.integers(0, 3)) == 0 else ruled


def at_times(*, within_days: int = 60) -> st.SearchStrategy[datetime]:
    """Generate instants that are often equal and often on whole days."""
    whole = st.integers(0, within_days).map(lambda number: EPOCH + timedelta(days=number))
    odd = st.integers(0, within_days * 24).map(lambda number: EPOCH + timedelta(hours=number, microseconds=1))
    return whole | odd


def fact_drafts(
    playbook: Playbook,
    times: st.SearchStrategy[datetime] | None = None,
    *,
    actors: Sequence[Actor] = ACTORS,
) -> st.SearchStrategy[Fact]:
    """Generate facts that are not recorded yet; they use only names that the playbook declares, but may be illegal.

    Args:
        playbook: The playbook with the names.
        times: A strategy for their instants.
        actors: The actors to choose from.
    """
    names = [stage.id for stage in playbook.lifecycle.stages if stage.type is not StageType.GATE]
    at = at_times() if times is None else times
    shared: dict[str, Any] = {"at": at, "by": st.sampled_from(actors)}
    triggers = st.sampled_from(playbook.lifecycle.table.triggers)
    reasons = st.sampled_from([None, *playbook.lifecycle.reason_by_id])
    drafts: list[st.SearchStrategy[Any]] = [
        made(Moved, trigger=triggers, reason=reasons, note=st.sampled_from([None, "more"]), **shared),
        made(StageReached, stage=st.sampled_from(names), infer_gaps=st.booleans(), **shared),
        made(Started, stage=st.sampled_from(names), playbook=st.just(playbook.ref), **shared),
        made(Sold, source=st.sampled_from([None, Source(channel="email")]), **shared),
        made(Identified, **shared),
        made(
            ConsentChanged,
            purpose=st.sampled_from(sorted(playbook.purposes) or ["newsletter"]),
            granted=st.booleans(),
            **shared,
        ),
        *engagement_drafts(playbook, shared),
    ]
    if playbook.activity_kinds:
        drafts.append(made(ActivityRecorded, kind=st.sampled_from(sorted(playbook.activity_kinds)), **shared))
    if playbook.evidence:
        evidence_names = st.sampled_from(sorted(playbook.evidence))
        drafts.append(made(EvidenceGiven, name=evidence_names, value=st.booleans(), **shared))
    drafts += [
        made(FieldChanged, name=st.just(name), value=st.none() | _values(spec), **shared)
        for name, spec in playbook.fields.items()
    ]
    drafts += [
        made(ScoreReported, policy=st.just(policy.name), version=st.just(policy.version), value=_CHANCES, **shared)
        for policy in playbook.scores
        if isinstance(policy, CustomPolicy) and policy.call is None
    ]
    if playbook.qualifications:
        named = st.sampled_from(sorted(playbook.qualification_by_name))
        drafts.append(made(QualificationGranted, name=named, **shared))
        drafts.append(made(QualificationWithdrawn, name=named, reason=st.sampled_from([None, "not now"]), **shared))
    return st.one_of(drafts)


_CHANCES = st.sampled_from([0.0, 0.5, 0.9, 1.0])


def _values(spec: FieldSpec) -> st.SearchStrategy[Any]:
    """Generate values that fit a field."""
    if spec.choices:
        return st.sampled_from(spec.choices)
    of_type: dict[FieldType, st.SearchStrategy[Any]] = {
        FieldType.INTEGER: st.integers(0, 9) | st.sampled_from([50, 1_000]),
        FieldType.NUMBER: st.sampled_from([0.0, 0.5, 7.25, 1_000.0]),
        FieldType.BOOLEAN: st.booleans(),
        FieldType.DATE: st.sampled_from(["2025-12-31", "2026-01-15"]),
        FieldType.TEXT: st.sampled_from(["", "somebody@example.org", "Recife"]),
    }
    return of_type[spec.type]


@st.composite
def histories(draw: st.DrawFn, playbook: Playbook, *, most: int = 14) -> Journey:
    """Generate journeys with late and planned facts, retractions, key conflicts, refused moves and ``Journey.move``."""
    journey = Journey("generated", playbook)
    first = playbook.lifecycle.first.stage
    if draw(st.sampled_from([True, True, True, False])):
        journey = journey.record(Started(stage=first, playbook=playbook.ref, at=EPOCH))
    for _ in range(draw(st.integers(0, most))):
        journey = draw(_with_one_more(journey, playbook))
    return journey


@st.composite
def _with_one_more(draw: st.DrawFn, journey: Journey, playbook: Playbook) -> Journey:
    step = draw(st.sampled_from(["fact", "fact", "fact", "fact", "clock", "move", "retract", "key", "again"]))
    facts = journey.facts
    if step == "retract" and facts:
        target = draw(st.sampled_from(facts)).id or ""
        if draw(st.sampled_from([False, False, True])):
            target = "f" * 32
        return journey.record(Retracted(target=target, at=draw(at_times())))
    if step == "again" and facts:
        return journey.record(draw(st.sampled_from(facts)))
    draft = draw(fact_drafts(playbook))
    if step == "key":
        draft = draft.replace(key=draw(st.sampled_from(["k1", "k2"])))
    if step == "clock":  # late, or planned
        return journey.record(draft, now=draw(at_times()))
    if step == "move" and isinstance(draft, Moved):
        try:
            return journey.move(
                draft.trigger, at=draft.at, by=draft.by, reason=draft.reason, note=draft.note, late=True
            )
        except (Malformed, MoveRefused):  # not allowed, or this move was retracted before
            return journey
    return journey.record(draft)
