"""What two playbooks declare differently: added, removed, changed, renamed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from leadlife._base.model import Definition
from leadlife.criteria import AllOf, AnyOf, AtLeast, Criterion, InStage, Not
from leadlife.lifecycle.stages import Stage
from leadlife.lifecycle.transitions import Transition
from leadlife.playbook.playbook import Playbook
from leadlife.qualification.rules import Hysteresis

H = TypeVar("H", bound=Hysteresis)


class How(StrEnum):
    """How something changed."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RENAMED = "renamed"


class Change(NamedTuple):
    """One thing that is declared differently.

    Attributes:
        what: What it is: ``stage``, ``transition``, ``field``, ``score``, ...
        name: Which one.
        how: How it changed.
        aspects: What of it, each as ``(aspect, before, after)`` in words; for a new name the name.
        harmless: Whether only words that people read are different.
    """

    what: str
    name: str
    how: How
    aspects: tuple[tuple[str, str, str], ...] = ()
    harmless: bool = False

    def __str__(self) -> str:
        told = "; ".join(f"{aspect}: {before} -> {after}" for aspect, before, after in self.aspects)
        return f"{self.what} {self.name} {self.how}" + (f" ({told})" if told else "")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        aspects = [{"aspect": aspect, "before": before, "after": after} for aspect, before, after in self.aspects]
        return {"what": self.what, "name": self.name, "how": self.how.value, "aspects": aspects}


WORDS_ONLY = {"label", "meaning", "signed"}
NOTHING = "none"


def changes(before: Playbook, after: Playbook, renamed: Mapping[str, str]) -> tuple[Change, ...]:
    """Return everything that is declared differently, in the order in which a playbook is read.

    Args:
        before: One playbook, its stages called as in the other.
        after: The other.
        renamed: The old name of each stage that has a new one, by the new one.
    """
    whole = [_aspect(name, before, after) for name in ("id", "version", "zone", "review_days", "meaning")]
    found = [
        Change("playbook", aspect[0], How.CHANGED, (aspect,), aspect[0] in ("version", "meaning"))
        for aspect in whole
        if aspect is not None
    ]
    found += [Change("stage", old, How.RENAMED, (("name", old, new),)) for new, old in renamed.items()]
    one, other = before.lifecycle, after.lifecycle
    found += _named("stage", one.by_id, other.by_id)
    found += _order("stages", one.by_id, other.by_id)
    found += _transitions(one.transitions, other.transitions)
    found += _order("transitions", *(_unique(side.transitions, _title) for side in (one, other)))
    for what, entries in (("entry", "entries"), ("referral entry", "referral_entries")):
        found += _named(what, *(_unique(getattr(side, entries), lambda entry: entry.stage) for side in (one, other)))
        found += _order(entries, *(_unique(getattr(side, entries), lambda entry: entry.stage) for side in (one, other)))
    found += _named("reason", one.reason_by_id, other.reason_by_id)
    found += _named("field", before.fields, after.fields)
    found += _named("activity kind", before.activity_kinds, after.activity_kinds)
    found += _named("evidence", before.evidence, after.evidence)
    found += _named("qualification", before.qualification_by_name, after.qualification_by_name)
    found += _named("readiness", *({"rule": side.readiness} if side.readiness else {} for side in (before, after)))
    found += _named("score", *({policy.name: policy for policy in side.scores} for side in (before, after)))
    return tuple(found)


def _unique(several: Iterable[Any], name: Callable[[Any], str]) -> dict[str, Any]:
    """Return things by name; those of one name are numbered."""
    found: dict[str, Any] = {}
    for one in several:
        title, number = name(one), 2
        while title in found:
            title, number = f"{name(one)} ({number})", number + 1
        found[title] = one
    return found


def _title(rule: Transition) -> str:
    sources = rule.sources if isinstance(rule.sources, str) else ", ".join(rule.sources)
    return f"{rule.trigger} from {sources} to {rule.target or 'where it is'}"


def _named(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name, was in before.items():
        if name not in after:
            yield Change(what, name, How.REMOVED)
        elif was != after[name]:
            aspects = tuple(_aspects(was, after[name]))
            yield Change(what, name, How.CHANGED, aspects, all(one[0] in WORDS_ONLY for one in aspects))
    for name in after:
        if name not in before:
            yield Change(what, name, How.ADDED)


def _order(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Yield a change where those that both have come in another order, which decides who is first."""
    was, now = [name for name in before if name in after], [name for name in after if name in before]
    if was != now:
        moved = [(name, other) for name, other in zip(was, now, strict=True) if name != other]
        aspects = (("order", ", ".join(name for name, _ in moved), ", ".join(other for _, other in moved)),)
        yield Change("order of", what, How.CHANGED, aspects)


def _transitions(before: tuple[Transition, ...], after: tuple[Transition, ...]) -> Iterator[Change]:
    """Yield what changed of the transitions: those that are no longer the same are paired by trigger and target."""
    gone = [rule for rule in before if rule not in after]
    new = [rule for rule in after if rule not in before]
    for rule in gone:
        alike = [one for one in new if one.trigger == rule.trigger]
        alike.sort(key=lambda one: (one.target != rule.target, one.sources != rule.sources))
        if not alike:
            yield Change("transition", _title(rule), How.REMOVED)
            continue
        new.remove(alike[0])
        aspects = tuple(_aspects(rule, alike[0]))
        yield Change("transition", _title(rule), How.CHANGED, aspects, all(one[0] in WORDS_ONLY for one in aspects))
    for rule in new:
        yield Change("transition", _title(rule), How.ADDED)


def _aspects(before: Any, after: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(before, Definition) and type(before) is type(after):
        for name in type(before).model_fields:
            found = _aspect(name, before, after)
            if found is not None:
                yield found
    elif isinstance(before, str) and isinstance(after, str):
        yield "meaning", before, after
    else:
        yield "kind", _told(before), _told(after)


def _aspect(name: str, before: Any, after: Any) -> tuple[str, str, str] | None:
    was, now = getattr(before, name), getattr(after, name)
    return None if was == now else (name, _told(was), _told(now))


def _told(value: Any) -> str:
    """Return a value in few words."""
    if value is None or value in ((), {}, ""):
        return NOTHING
    if isinstance(value, Criterion):
        return value.sentence()
    if isinstance(value, Definition):
        given = {name: getattr(value, name) for name in type(value).model_fields}
        inner = (
            f"{name} {_told(one)}" for name, one in given.items() if one not in (None, (), {}, "") and name != "op"
        )
        return ", ".join(inner)
    if isinstance(value, tuple):
        return "; ".join(map(_told, value))
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_told(one)}" for name, one in value.items())
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def called(playbook: Playbook, names: Mapping[str, str]) -> Playbook:
    """Return a playbook whose stages have other names, wherever they are named: in moves, gates and criteria."""
    if not names:
        return playbook
    life = playbook.lifecycle

    def new(name: str | None) -> str | None:
        return None if name is None else names.get(name, name)

    def asked(criterion: Criterion | None) -> Criterion | None:
        match criterion:
            case InStage():
                return criterion.replace(names=tuple(names.get(name, name) for name in criterion.names))
            case Not():
                return criterion.replace(of=asked(criterion.of))
            case AllOf() | AnyOf() | AtLeast():
                return criterion.replace(of=tuple(map(asked, criterion.of)))
            case _:
                return criterion

    def held(rule: H) -> H:
        return rule.replace(enter=asked(rule.enter), leave=asked(rule.leave))

    stages = tuple(
        stage.replace(
            id=new(stage.id),
            default=new(stage.default),
            routes=tuple(route.replace(target=new(route.target), guard=asked(route.guard)) for route in stage.routes),
        )
        for stage in life.stages
    )
    rules = tuple(
        rule.replace(
            sources=rule.sources if isinstance(rule.sources, str) else tuple(map(new, rule.sources)),
            target=new(rule.target),
            guard=asked(rule.guard),
        )
        for rule in life.transitions
    )
    entries = {
        kind: tuple(entry.replace(stage=new(entry.stage), guard=asked(entry.guard)) for entry in getattr(life, kind))
        for kind in ("entries", "referral_entries")
    }
    near = playbook.readiness
    return playbook.replace(
        lifecycle=life.replace(stages=stages, transitions=rules, **entries),
        qualifications=tuple(map(held, playbook.qualifications)),
        readiness=None if near is None else near.replace(mid=held(near.mid), late=held(near.late)),
    )


def narrows(change: Change) -> bool:
    """Return whether less is allowed than before, though no move says so: a reason, a value or a start."""
    for aspect, before, after in change.aspects:
        match change.what, aspect:
            case ("transition", "reasons") | ("field", "choices"):
                if after != NOTHING and (before == NOTHING or set(before.split("; ")) - set(after.split("; "))):
                    return True
            case ("reason", "needs_note"):
                return after == "yes"
            case ("entry" | "referral entry", "guard"):
                return after != NOTHING
            case ("field", "type"):
                return True
            case _:
                pass
    return False


def same_but_for_its_name(one: Stage, other: Stage) -> bool:
    """Return whether a stage could be another under a new name."""
    return one.replace(id=other.id, label=None) == other.replace(label=None) or (
        one.label is not None and one.label == other.label
    )
