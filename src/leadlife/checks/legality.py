"""What became legal and what became illegal: each move with the smallest lead that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from leadlife.checks.durations import may_end_first
from leadlife.checks.proofs import Goal, Proof, too_many
from leadlife.checks.subjects import Subject, zone_of
from leadlife.checks.walks import Walks, joined, told
from leadlife.criteria import ByRole
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.stages import Stage
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.timing import Calendar, Elapsed


class LegalityChange(NamedTuple):
    """A move that one playbook allows and another does not.

    Attributes:
        stage: The stage it leads out of.
        trigger: Its trigger.
        target: Where it leads; None for an internal move.
        witness: A lead for whom the two say different things.
        story: A shortest way to the stage, under the playbook that allows the move.
        instead: What the other playbook does.
        lead: The witness as values, by what guards ask about.
    """

    stage: str
    trigger: str
    target: str | None
    witness: tuple[str, ...]
    story: tuple[str, ...]
    instead: str
    lead: Mapping[Subject, Any]

    def __str__(self) -> str:
        who = f" for: {', '.join(self.witness)}" if self.witness else ""
        return f"{self.trigger} from {self.stage} to {self.target or 'where it is'}{who} (else {self.instead})"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "stage": self.stage,
            "trigger": self.trigger,
            "target": self.target,
            "witness": list(self.witness),
            "story": list(self.story),
            "instead": self.instead,
        }


class _Limit(NamedTuple):
    """Something besides guards that may refuse a move: how strict it is, and how it is kept to and broken, in words."""

    sort: str
    strictness: float
    kept: str
    broken: str
    why: str
    rest: Elapsed | Calendar | None = None


class _Outcome(NamedTuple):
    """What firing a trigger comes to, the questions that must be answered for it, and what else it takes."""

    target: str | None
    allowed: bool
    goals: tuple[Goal, ...]
    told: str
    limits: tuple[_Limit, ...] = ()
    """Besides guards, what is kept to by an allowed move, or broken by a refused one."""


def allowed_only_by(one: Playbook, other: Playbook, undecided: set[tuple[str, str]]) -> Iterator[LegalityChange]:
    """Yield each move that the first playbook allows some lead and the second refuses that lead, a witness each.

    Args:
        one: The playbook that allows.
        other: The one that refuses.
        undecided: Takes the stage and trigger of moves whose guards ask too much to say.
    """
    walks, others = Walks(one.lifecycle, one), Walks(other.lifecycle, other)
    stories: dict[str, tuple[str, ...]] = {}
    for spot, way in walks.ways.items():
        stories.setdefault(spot.stage, told(way[0].edge.source if way else spot.stage, way))
    for stage, trigger in walks.candidates:
        if stage in stories:
            sides = (walks, others)
            if _as_before(*sides, stage, trigger):
                continue
            edges = [edge for side in sides for edge in side.candidates.get((stage, trigger), ())]
            if any(too_many(guard for edge in mine for guard in edge.guards) for mine in _apart(edges)):
                undecided.add((stage, trigger))
            else:
                yield from _only(walks, others, stage, trigger, stories[stage])


def _as_before(one: Walks, other: Walks, stage: str, trigger: str) -> bool:
    """Return whether two lifecycles say the same of a trigger at a stage."""

    def said(walks: Walks) -> list[object]:
        at = walks.lifecycle.by_id.get(stage)
        rest = None if at is None else (at.cool_down, at.reentry_limit)
        edges = walks.candidates.get((stage, trigger), ())
        told = [(edge.target, edge.guards, edge.left, edge.via) for edge in edges]
        return [rest, told, [(edge.rule.kind, edge.rule.roles, edge.rule.needs_reason) for edge in edges]]

    return said(one) == said(other)


def _apart(edges: list[Edge]) -> list[list[Edge]]:
    """Return the candidates of both sides by the stage that was left, for only those are tried together."""
    lefts = dict.fromkeys(edge.left for edge in edges)
    return [[edge for edge in edges if edge.left in (None, left)] for left in lefts]


def _only(walks: Walks, others: Walks, stage: str, trigger: str, story: tuple[str, ...]) -> Iterator[LegalityChange]:
    lefts = dict.fromkeys(edge.left for side in (walks, others) for edge in side.candidates.get((stage, trigger), ()))
    seen: set[str | None] = set()
    for left in lefts:
        refused = [*_outcomes(others, stage, trigger, left)]
        for allowed in _outcomes(walks, stage, trigger, left):
            if not allowed.allowed or allowed.target in seen:
                continue
            for instead in refused:
                if instead.allowed and instead.target == allowed.target:
                    continue
                broken = [] if instead.allowed else list(instead.limits)
                if not all(_stricter(limit, allowed, zone_of(others.playbook)) for limit in broken):
                    continue
                found = walks.together((*allowed.goals, *instead.goals), stage)
                if found.proof is Proof.POSSIBLE:
                    seen.add(allowed.target)
                    came = (f"{left} was left",) if left is not None else ()
                    kept = (limit.kept for limit in allowed.limits)
                    witness = (*came, *found.witness, *kept, *(limit.broken for limit in broken))
                    yield LegalityChange(stage, trigger, allowed.target, witness, story, instead.told, found.lead)
                    break


def _outcomes(walks: Walks, stage: str, trigger: str, left: str | None) -> Iterator[_Outcome]:
    """Yield everything that firing a trigger may come to, the allowed ones first."""
    known = stage in walks.lifecycle.by_id
    candidates = [edge for edge in walks.candidates.get((stage, trigger), ()) if edge.left in (None, left)]
    refused: list[_Outcome] = []
    before: list[Goal] = []
    for edge in candidates:
        own = tuple(Goal(guard, True) for guard in edge.guards)
        taken = (*before, *own)
        limits = tuple(_limits(walks.lifecycle.by_id[stage], edge))
        roles = (ByRole(names=edge.rule.roles),) if edge.rule.roles else ()
        yield _Outcome(
            edge.target,
            True,
            (*taken, *(Goal(role, True) for role in roles)),
            f"to {edge.target or 'where it is'}",
            limits,
        )
        for role in roles:
            told_off = f"it is for {' or '.join(role.names)}"
            refused.append(_Outcome(edge.target, False, (*taken, Goal(role, False)), told_off))
        refused += [_Outcome(edge.target, False, taken, limit.why, (limit,)) for limit in limits]
        if not own:
            break
        before.append(Goal(joined(edge.guards), False))
    else:
        why = "no guard is true" if candidates else "there is no such move" if known else "there is no such stage"
        refused.append(_Outcome(None, False, tuple(before), why))
    yield from refused


def _limits(stage: Stage, edge: Edge) -> Iterator[_Limit]:
    if edge.rule.needs_reason:
        yield _Limit("reason", 1, "with a reason", "without a reason", "a reason is needed")
    if edge.rule.kind is TransitionKind.REENTRY and stage.cool_down is not None:
        rest = stage.cool_down
        yield _Limit("rest", 1, f"after {rest}", f"before {rest} are over", f"it cools down for {rest}", rest)
    if edge.rule.kind is TransitionKind.REENTRY and stage.reentry_limit is not None:
        most = stage.reentry_limit
        kept, broken = f"after fewer than {most} returns", f"after {most} or more returns"
        yield _Limit("returns", -most, kept, broken, f"at most {most} returns are allowed")


def _stricter(limit: _Limit, allowed: _Outcome, zone: ZoneInfo) -> bool:
    """Return whether somebody who keeps to what allows a move may still break this limit."""
    own = next((one for one in allowed.limits if one.sort == limit.sort), None)
    if own is not None and own.rest is not None and limit.rest is not None:
        return may_end_first(own.rest, limit.rest, zone)
    return own is None or own.strictness < limit.strictness
