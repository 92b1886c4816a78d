"""Findings about guards: guards that are never true, moves that are never taken, and guards that overlap."""

from __future__ import annotations

import re
from collections.abc import Iterator

from leadlife.checks.finding import Code, Finding
from leadlife.checks.proofs import MOST_QUESTIONS, Found, Goal, Proof, together
from leadlife.checks.walks import Walks, joined
from leadlife.criteria import AllOf, Criterion, CustomGuard, HoldsQualification, leaves_of
from leadlife.lifecycle.edges import Edge
from leadlife.playbook.playbook import Playbook

_PERSONAL = {
    "address", "birth", "birthdate", "birthday", "email", "fax", "firstname", "iban", "ip", "lastname", "mail",
    "mobile", "passport", "phone", "ssn", "street", "surname", "telephone",
}  # fmt: skip
_NAMES = {"first", "last", "full", "given", "family", "maiden"}
_NOT_OF_A_PERSON = {"domain", "count", "opt", "opened", "status", "type"}


def guard_findings(walks: Walks) -> Iterator[Finding]:
    """Yield every finding about guards. A move out of several stages gives each finding only once."""
    seen: set[tuple[object, ...]] = set()
    routes = _Routes()
    for (stage, _), candidates in walks.candidates.items():
        for left in dict.fromkeys(edge.left for edge in candidates):
            # Reopenings that depend on different stages never compete: a lead left only one of them.
            competing = tuple(edge for edge in candidates if edge.left in (None, left))
            for key, finding in _candidate_findings(walks, stage, competing, routes):
                if key not in seen:
                    seen.add(key)
                    yield finding
    yield from routes.findings()
    yield from _entries(walks)
    yield from _custom_guards(walks)


class _Routes:
    """The routes of gates. Several moves may share a gate, so a route is at fault only if no move ever takes it."""

    def __init__(self) -> None:
        self._dead: dict[tuple[object, ...], Finding] = {}
        self._taken: set[tuple[object, ...]] = set()

    def note(self, edge: Edge, finding: Finding | None) -> None:
        """Note that a move takes a route, or the finding that says why it does not."""
        own = 0 if edge.rule.guard is None else 1
        # A gate must have a default, so one that is never taken is not a fault.
        if finding is not None and len(edge.guards) - own < len(edge.via):
            return
        route = (edge.via, edge.target, edge.guards[own:])
        if finding is None:
            self._taken.add(route)
        else:
            self._dead.setdefault(route, finding)

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each route that no move takes."""
        yield from (finding for route, finding in self._dead.items() if route not in self._taken)


def _candidate_findings(
    walks: Walks, stage: str, candidates: tuple[Edge, ...], routes: _Routes
) -> Iterator[tuple[tuple[object, ...], Finding]]:
    for place, edge in enumerate(candidates):
        where, key = f"lifecycle.transitions.{edge.index}", (edge.index, edge.target, edge.via)
        own = _together(walks, stage, edge)
        if own.proof is Proof.IMPOSSIBLE:
            guard = joined(edge.guards).sentence()
            message = f"no lead can meet the guard of {edge.trigger!r} to {edge.target}: {guard}"
            hint = "loosen the guard, or remove the move"
            never = Finding(Code.NEVER_TRUE, f"{where}.guard", message, (), hint)
            if edge.via and not _is_impossible(walks, stage, edge.rule.guard):
                routes.note(edge, never)
            else:
                yield (Code.NEVER_TRUE, *key), never
            continue
        taken = walks.proof_of(stage, candidates, place, named=False)
        if taken.proof is Proof.IMPOSSIBLE:
            before = " or ".join(dict.fromkeys(f"the one to {one.target}" for one in candidates[:place]))
            named = walks.proof_of(stage, candidates, place, named=True).proof is not Proof.IMPOSSIBLE
            when = "taken only by a move that names its target" if named else "never taken"
            code = Code.OVERLAP if named else Code.SHADOWED
            message = f"{edge.trigger!r} to {edge.target} is {when}: whenever it is open, {before} is taken first"
            hint = "declare it earlier, or guard the moves before it"
            shadowed = Finding(code, where, message, (f"in {stage}", *own.witness), hint)
            if edge.via:
                routes.note(edge, shadowed)
            else:
                yield (code, *key), shadowed
            continue
        routes.note(edge, None)
        if Proof.NOT_DECIDED in (own.proof, taken.proof):
            which = f"{edge.trigger!r} to {edge.target} and the moves before it"
            message = f"{which} ask more than {MOST_QUESTIONS} questions together, so their overlaps are not checked"
            yield (Code.NOT_DECIDED, *key), Finding(Code.NOT_DECIDED, where, message, (), "split the guard")
            continue
        for earlier in candidates[:place]:
            if earlier.target != edge.target and edge.guards:
                both = _together(walks, stage, earlier, edge)
                if both.proof is Proof.POSSIBLE:
                    which = f"{edge.trigger!r} to {earlier.target} and to {edge.target}"
                    message = f"{which} can be open at once: the first declared, to {earlier.target}, is taken"
                    story = (f"in {stage}", *both.witness, f"{edge.trigger} to {earlier.target}, not to {edge.target}")
                    pair = (Code.OVERLAP, *key, earlier.index, earlier.target, earlier.via)
                    hint = "if this order is intended, keep it; otherwise guard one of the two moves"
                    yield pair, Finding(Code.OVERLAP, where, message, story, hint)


def _is_impossible(walks: Walks, stage: str, guard: Criterion | None) -> bool:
    return guard is not None and walks.together([Goal(guard, True)], stage).proof is Proof.IMPOSSIBLE


def _entries(walks: Walks) -> Iterator[Finding]:
    """Yield a finding for each entry that no lead can take."""
    life = walks.lifecycle
    for field, entries in (("entries", life.entries), ("referral_entries", life.referral_entries)):
        for place, entry in enumerate(entries):
            if entry.guard is None:
                continue
            impossible = together([Goal(entry.guard, True)], walks.playbook).proof is Proof.IMPOSSIBLE
            if impossible or any(map(_needs_a_stage, _conjuncts(entry.guard))):
                message = f"no lead can begin at {entry.stage!r}: {entry.guard.sentence()}"
                hint = "loosen the guard, or remove the entry"
                yield Finding(Code.NEVER_TRUE, f"lifecycle.{field}.{place}.guard", message, (), hint)


def _conjuncts(guard: Criterion) -> tuple[Criterion, ...]:
    return guard.of if isinstance(guard, AllOf) else (guard,)


def _needs_a_stage(part: Criterion) -> bool:
    """Return whether a criterion can be true for a lead in a stage only: before the start there is none."""
    asked = {topic for topic, _ in part.inputs()}
    return isinstance(part, HoldsQualification) or (bool(asked) and asked <= {"stage", "cycle", "readiness"})


def _together(walks: Walks, stage: str, *edges: Edge) -> Found:
    return walks.together([Goal(guard, True) for edge in edges for guard in edge.guards], stage)


def _custom_guards(walks: Walks) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for path, guard in walks.lifecycle.guards():
        for leaf in leaves_of(guard):
            if isinstance(leaf, CustomGuard):
                other = first.setdefault(leaf.name, leaf.version)
                if other != leaf.version:
                    message = f"{leaf.name!r} names two guards, versions {other} and {leaf.version}"
                    hint = "rename one: a program that loads the file binds functions by name alone"
                    yield Finding(Code.NAMESAKES, path, message, (), hint)
                message = f"{leaf.name!r} is code: the checker assumes that it may answer anything"
                yield Finding(Code.CUSTOM_GUARD, path, message, (), "write it as a criterion where you can")


def hysteresis(
    enter: Criterion, leave: Criterion, *, where: str = "", playbook: Playbook | None = None
) -> Finding | None:
    """Return a finding if the criteria of entering and leaving can be true together; None if they cannot.

    Two criteria that exclude each other leave a band between them in which nothing changes. A signal that varies a
    little then does not switch the state back and forth.

    Args:
        enter: The criterion of entering.
        leave: The criterion of leaving.
        where: The path to the pair in the definition.
        playbook: The playbook whose fields and scores bound the values of a lead.
    """
    found = together([Goal(enter, True), Goal(leave, True)], playbook)
    if found.proof is Proof.POSSIBLE:
        message = f"a lead that enters ({enter.sentence()}) may leave at once ({leave.sentence()})"
        hint = "swap the two thresholds, and leave a band between them"
        return Finding(Code.HYSTERESIS, where, message, (*found.witness, "enters and leaves at the same instant"), hint)
    if found.proof is Proof.NOT_DECIDED:
        message = f"entering and leaving ask more than {MOST_QUESTIONS} questions together"
        return Finding(Code.NOT_DECIDED, where, message, (), "ask fewer questions")
    return None


def personal_findings(playbook: Playbook) -> Iterator[Finding]:
    """Yield the fields that a criterion or a score reads, that look personal, and that are not flagged."""
    read: dict[str, str] = {}
    for path, criterion in playbook.criteria():
        for topic, name in criterion.inputs():
            if topic == "field":
                read.setdefault(name, path)
    for place, policy in enumerate(playbook.scores):
        for topic, name in policy.inputs():
            if topic == "field":
                read.setdefault(name, f"scores.{place}")
    for name, reader in read.items():
        if name in playbook.fields and not playbook.fields[name].personal and looks_personal(name):
            message = f"field {name!r} looks personal, is read by {reader}, and is not flagged"
            hint = "if it is personal data, set its flag 'personal'"
            yield Finding(Code.PERSONAL_UNFLAGGED, f"fields.{name}", message, (), hint)


def looks_personal(name: str) -> bool:
    """Return whether a field's name looks like data of one person: an address, a phone number, a first name."""
    # Split camelCase and snake_case alike: lastName and last_name are the same words.
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]
    if set(words) & _NOT_OF_A_PERSON:
        return False
    return bool(set(words) & _PERSONAL) or ("name" in words and bool(set(words) & _NAMES)) or words == ["e", "mail"]
