"""What the guards show: those that are never true, candidates that never get their turn, and those that overlap."""

from __future__ import annotations

import re
from collections.abc import Iterator

from leadlife.checks.finding import Code, Finding
from leadlife.checks.proofs import MOST_ATOMS, Found, Goal, Proof, together
from leadlife.checks.walks import Walks, joined
from leadlife.criteria import Criterion, CustomGuard, leaves_of
from leadlife.lifecycle.edges import Edge
from leadlife.playbook.playbook import Playbook, guards_of

_PERSONAL = {
    "address", "birth", "birthdate", "birthday", "email", "fax", "firstname", "iban", "ip", "lastname", "mail",
    "mobile", "passport", "phone", "ssn", "street", "surname", "telephone",
}  # fmt: skip
_NAMES = {"first", "last", "full", "given", "family", "maiden"}
_NOT_OF_A_PERSON = {"domain", "count", "opt", "opened", "status", "type"}


def guard_findings(walks: Walks) -> Iterator[Finding]:
    """Yield everything that the guards show, each once, however many stages a move leads out of."""
    told: set[tuple[object, ...]] = set()
    for (stage, _), candidates in walks.candidates.items():
        for left in dict.fromkeys(edge.left for edge in candidates):
            turn = tuple(edge for edge in candidates if edge.left in (None, left))
            for key, finding in _of_candidates(walks, stage, turn):
                if key not in told:
                    told.add(key)
                    yield finding
    yield from _opaque(walks)


def _of_candidates(
    walks: Walks, stage: str, candidates: tuple[Edge, ...]
) -> Iterator[tuple[tuple[object, ...], Finding]]:
    for place, edge in enumerate(candidates):
        where, key = f"lifecycle.transitions.{edge.index}", (edge.index, edge.target, edge.via)
        own = _together(walks, stage, edge)
        if own.proof is Proof.IMPOSSIBLE:
            says = f"{edge.trigger!r} to {edge.target}: no lead can ever answer {_said(edge)}"
            yield (
                (Code.NEVER_TRUE, *key),
                Finding(Code.NEVER_TRUE, f"{where}.guard", says, (), "loosen the guard, or take the move out"),
            )
            continue
        turn = walks.proof_of(stage, candidates, place)
        if turn.proof is Proof.IMPOSSIBLE:
            before = " or ".join(dict.fromkeys(f"the one to {one.target}" for one in candidates[:place]))
            says = f"{edge.trigger!r} to {edge.target} never gets its turn: whenever it could, {before} is taken"
            hint = "declare it earlier, or guard those before it"
            yield (Code.SHADOWED, *key), Finding(Code.SHADOWED, where, says, (f"in {stage}", *own.witness), hint)
            continue
        if Proof.NOT_DECIDED in (own.proof, turn.proof):
            says = f"{edge.trigger!r} to {edge.target} asks more than {MOST_ATOMS} questions with those before it"
            yield (
                (Code.NOT_DECIDED, *key),
                Finding(Code.NOT_DECIDED, where, says, (), "nothing is said of its overlaps; split the guard"),
            )
            continue
        for earlier in candidates[:place]:
            if earlier.target != edge.target and edge.guards:
                both = _together(walks, stage, earlier, edge)
                if both.proof is Proof.POSSIBLE:
                    taken = f"the first declared, to {earlier.target}, is taken"
                    says = f"{edge.trigger!r} may lead to {earlier.target} and to {edge.target} at once: {taken}"
                    story = (f"in {stage}", *both.witness, f"{edge.trigger} to {earlier.target}, not to {edge.target}")
                    pair = (Code.OVERLAP, *key, earlier.index, earlier.target, earlier.via)
                    yield (
                        pair,
                        Finding(Code.OVERLAP, where, says, story, "if the order is meant, leave it; else guard one"),
                    )


def _together(walks: Walks, stage: str, *edges: Edge) -> Found:
    return walks.together([Goal(guard, True) for edge in edges for guard in edge.guards], stage)


def _said(edge: Edge) -> str:
    return joined(edge.guards).sentence()


def _opaque(walks: Walks) -> Iterator[Finding]:
    for path, guard in guards_of(walks.lifecycle):
        for leaf in leaves_of(guard):
            if isinstance(leaf, CustomGuard):
                says = f"{leaf.name!r} is code: what it answers is taken for granted, both ways"
                yield Finding(Code.CUSTOM_GUARD, path, says, (), "write it as a criterion where you can")


def hysteresis(
    enter: Criterion, leave: Criterion, *, where: str = "", playbook: Playbook | None = None
) -> Finding | None:
    """Return a finding if what lets a lead in may throw it out at once; None if the two keep apart.

    Between a pair that keeps apart lies a band in which nothing changes, so that a signal that trembles flaps nothing.

    Args:
        enter: What must be true to get in.
        leave: What must be true to get out.
        where: The path to the pair.
        playbook: Whose fields and scores bound what a lead may be.
    """
    found = together([Goal(enter, True), Goal(leave, True)], playbook)
    if found.proof is Proof.POSSIBLE:
        says = f"who gets in ({enter.sentence()}) may have to leave at once ({leave.sentence()})"
        hint = "turn the two thresholds round, and leave a band between them"
        return Finding(Code.HYSTERESIS, where, says, (*found.witness, "in, and out at the same instant"), hint)
    if found.proof is Proof.NOT_DECIDED:
        says = f"entering and leaving ask more than {MOST_ATOMS} questions"
        return Finding(Code.NOT_DECIDED, where, says, (), "ask less")
    return None


def personal_findings(playbook: Playbook) -> Iterator[Finding]:
    """Yield the fields that are read, look personal, and are not flagged."""
    read: dict[str, str] = {}
    for path, criterion in playbook.criteria():
        for sort, name in criterion.inputs():
            if sort == "field":
                read.setdefault(name, path)
    for place, policy in enumerate(playbook.scores):
        for sort, name in policy.inputs():
            if sort == "field":
                read.setdefault(name, f"scores.{place}")
    for name, reader in read.items():
        if name in playbook.fields and not playbook.fields[name].personal and looks_personal(name):
            says = f"field {name!r} looks personal, is read by {reader}, and is not flagged"
            yield Finding(Code.PERSONAL_UNFLAGGED, f"fields.{name}", says, (), "FieldSpec(personal=True), if it is")


def looks_personal(name: str) -> bool:
    """Return whether a field's name looks like what belongs to one person."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]
    if set(words) & _NOT_OF_A_PERSON:
        return False
    return bool(set(words) & _PERSONAL) or ("name" in words and bool(set(words) & _NAMES)) or words == ["e", "mail"]
