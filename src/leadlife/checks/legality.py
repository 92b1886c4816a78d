"""Moves that one playbook allows and another refuses, each with a lead that shows the difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from leadlife.checks.durations import may_end_first
from leadlife.checks.proofs import Goal, Proof, too_many
from leadlife.checks.subjects import Subject, zone_of
from leadlife.checks.walks import Walks, joined, story_of
from leadlife.criteria import ByRole
from leadlife.lifecycle.edges import Edge
from leadlife.lifecycle.stages import Stage
from leadlife.lifecycle.transitions import TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.timing import Calendar, Elapsed


class LegalityChange(NamedTuple):
    """A move that one playbook allows and another does not.

    Attributes:
        stage: The stage that the move leads out of.
        trigger: The trigger.
        target: The stage that the move leads to; None for an internal move.
        witness: A lead that the two playbooks treat differently, in words.
        story: A shortest path to the stage under the playbook that allows the move.
        instead: What the other playbook does for this lead.
        lead: The witness as values, by the subjects that guards ask about.
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
        move = f"{self.trigger} from {self.stage} to {self.target or 'the same stage'}"
        return f"{move}{who} (in the other playbook: {self.instead})"

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
    """A limit besides guards that may refuse a move: a reason, a cool-down, or a number of returns.

    Attributes:
        sort: Which of the three it is.
        strictness: A larger number is stricter. Only limits of the same sort are compared.
        kept: How a lead keeps to the limit, in words.
        broken: How a lead breaks it, in words.
        why: Why the move is then refused.
        rest: The length of a cool-down. Durations have no fixed order, so a number could not say which is stricter.
    """

    sort: str
    strictness: float
    kept: str
    broken: str
    why: str
    rest: Elapsed | Calendar | None = None


class _Outcome(NamedTuple):
    """One possible result of a trigger.

    Attributes:
        target: The stage that the move leads to, or would lead to.
        allowed: Whether the move is made.
        goals: How criteria must be answered for this result.
        words: The result in words.
        limits: The limits that an allowed move keeps to, or the limit that a refused move breaks.
    """

    target: str | None
    allowed: bool
    goals: tuple[Goal, ...]
    words: str
    limits: tuple[_Limit, ...] = ()


def allowed_only_by(one: Playbook, other: Playbook, undecided: set[tuple[str, str]]) -> Iterator[LegalityChange]:
    """Yield each move that the first playbook allows for some lead and the second does not, with such a lead.

    Args:
        one: The playbook that allows the moves.
        other: The playbook that does not.
        undecided: The function adds the stage and trigger of each move whose guards ask too many questions.
    """
    walks, others = Walks(one.lifecycle, one), Walks(other.lifecycle, other)
    stories: dict[str, tuple[str, ...]] = {}
    for state, path in walks.paths.items():
        stories.setdefault(state.stage, story_of(path[0].edge.source if path else state.stage, path))
    for stage, trigger in walks.candidates:
        if stage in stories:
            # Most of two versions is equal: skip it before the search, which is the expensive part.
            if _unchanged(walks, others, stage, trigger):
                continue
            edges = [edge for side in (walks, others) for edge in side.candidates.get((stage, trigger), ())]
            if any(too_many(guard for edge in group for guard in edge.guards) for group in _by_left(edges)):
                undecided.add((stage, trigger))
            else:
                yield from _only(walks, others, stage, trigger, stories[stage])


def _unchanged(one: Walks, other: Walks, stage: str, trigger: str) -> bool:
    """Return whether two lifecycles declare the same for a trigger in a stage."""

    def declared(walks: Walks) -> list[object]:
        at = walks.lifecycle.by_id.get(stage)
        rest = None if at is None else (at.cool_down, at.reentry_limit)
        edges = walks.candidates.get((stage, trigger), ())
        moves = [(edge.target, edge.guards, edge.left, edge.via) for edge in edges]
        return [rest, moves, [(edge.rule.kind, edge.rule.roles, edge.rule.needs_reason) for edge in edges]]

    return declared(one) == declared(other)


def _by_left(edges: list[Edge]) -> list[list[Edge]]:
    """Return the candidates of both sides, grouped by the stage that was left: only one group is searched at a time."""
    lefts = dict.fromkeys(edge.left for edge in edges)
    return [[edge for edge in edges if edge.left in (None, left)] for left in lefts]


def _only(walks: Walks, others: Walks, stage: str, trigger: str, story: tuple[str, ...]) -> Iterator[LegalityChange]:
    lefts = dict.fromkeys(edge.left for side in (walks, others) for edge in side.candidates.get((stage, trigger), ()))
    seen: set[str | None] = set()  # one witness for each target is enough
    for left in lefts:
        alternatives = [*_outcomes(others, stage, trigger, left)]
        for allowed in _outcomes(walks, stage, trigger, left):
            if not allowed.allowed or allowed.target in seen:
                continue
            for instead in alternatives:
                if instead.allowed and instead.target == allowed.target:
                    continue
                # A lead keeps to all limits of the allowed move and breaks one of the other: possible only if stricter.
                broken = [] if instead.allowed else list(instead.limits)
                if not all(_stricter(limit, allowed, zone_of(others.playbook)) for limit in broken):
                    continue
                found = walks.together((*allowed.goals, *instead.goals), stage)
                if found.proof is Proof.POSSIBLE:
                    seen.add(allowed.target)
                    origin = (f"{left} was left",) if left is not None else ()
                    kept = (limit.kept for limit in allowed.limits)
                    witness = (*origin, *found.witness, *kept, *(limit.broken for limit in broken))
                    yield LegalityChange(stage, trigger, allowed.target, witness, story, instead.words, found.lead)
                    break


def _outcomes(walks: Walks, stage: str, trigger: str, left: str | None) -> Iterator[_Outcome]:
    """Yield every possible result of a trigger in a stage, the allowed ones first."""
    known = stage in walks.lifecycle.by_id
    candidates = [edge for edge in walks.candidates.get((stage, trigger), ()) if edge.left in (None, left)]
    refused: list[_Outcome] = []
    before: list[Goal] = []  # the guards of all earlier candidates must fail
    for edge in candidates:
        own = tuple(Goal(guard, True) for guard in edge.guards)
        taken = (*before, *own)
        limits = tuple(_limits(walks.lifecycle.by_id[stage], edge))
        roles = (ByRole(names=edge.rule.roles),) if edge.rule.roles else ()
        yield _Outcome(
            edge.target,
            True,
            (*taken, *(Goal(role, True) for role in roles)),
            f"to {edge.target or 'the same stage'}",
            limits,
        )
        for role in roles:
            why = f"only {' or '.join(role.names)} may make this move"
            refused.append(_Outcome(edge.target, False, (*taken, Goal(role, False)), why))
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
        yield _Limit("rest", 1, f"after {rest}", f"before {rest} are over", f"the cool-down lasts {rest}", rest)
    if edge.rule.kind is TransitionKind.REENTRY and stage.reentry_limit is not None:
        most = stage.reentry_limit
        # A smaller number is stricter, hence the minus.
        kept, broken = f"after fewer than {most} returns", f"after {most} or more returns"
        yield _Limit("returns", -most, kept, broken, f"at most {most} returns are allowed")


def _stricter(limit: _Limit, allowed: _Outcome, zone: ZoneInfo) -> bool:
    """Return whether a lead that keeps to the limits of an allowed move can still break this limit."""
    own = next((one for one in allowed.limits if one.sort == limit.sort), None)
    if own is not None and own.rest is not None and limit.rest is not None:
        return may_end_first(own.rest, limit.rest, zone)
    return own is None or own.strictness < limit.strictness
