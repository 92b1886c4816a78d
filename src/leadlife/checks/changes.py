"""What two playbooks declare differently: what was added, removed, changed or renamed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from leadlife._base.model import Definition
from leadlife.criteria import Criterion
from leadlife.lifecycle.stages import Stage
from leadlife.lifecycle.transitions import Transition, TransitionKind
from leadlife.playbook.playbook import Playbook
from leadlife.playbook.recycling_rules import RecyclingRule


class ChangeKind(StrEnum):
    """The ways in which a declaration can change."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RENAMED = "renamed"


class Change(NamedTuple):
    """One thing that two playbooks declare differently.

    Attributes:
        what: The sort of thing: ``stage``, ``transition``, ``field``, ``score``, ...
        name: The name of the thing.
        how: The kind of change.
        aspects: The parts that differ, each as ``(aspect, before, after)`` in words. A renamed stage has one aspect,
            its name.
        harmless: Whether only descriptions for people differ, such as a label or a meaning.
        narrower: Whether it allows less than before in a way that comparing moves does not show: a reason that is not
            longer listed, a choice that a field no longer has, an entry with a new guard.
    """

    what: str
    name: str
    how: ChangeKind
    aspects: tuple[tuple[str, str, str], ...] = ()
    harmless: bool = False
    narrower: bool = False

    def __str__(self) -> str:
        details = "; ".join(f"{aspect}: {before} -> {after}" for aspect, before, after in self.aspects)
        return f"{self.what} {self.name} {self.how}" + (f" ({details})" if details else "")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        aspects = [{"aspect": aspect, "before": before, "after": after} for aspect, before, after in self.aspects]
        return {"what": self.what, "name": self.name, "how": self.how.value, "aspects": aspects}


WORDS_ONLY = {"label", "meaning", "signed", "aliases"}
NOTHING = "none"


def changes(before: Playbook, after: Playbook, renamed: Mapping[str, str]) -> tuple[Change, ...]:
    """Return every difference between two playbooks, in the order in which a playbook is read.

    Args:
        before: The old playbook. Its renamed stages already have their new names.
        after: The new playbook.
        renamed: The old name of each renamed stage, by its new name.
    """
    aspects = [_aspect(name, before, after) for name in ("id", "version", "zone", "review_days", "meaning")]
    differences = [
        Change("playbook", aspect[0], ChangeKind.CHANGED, (aspect,), aspect[0] in ("version", "meaning"))
        for aspect in aspects
        if aspect is not None
    ]
    differences += [Change("stage", old, ChangeKind.RENAMED, (("name", old, new),)) for new, old in renamed.items()]
    one, other = before.lifecycle, after.lifecycle
    differences += _named("stage", one.by_id, other.by_id)
    differences += _order("stages", one.by_id, other.by_id)
    differences += _transitions(one.transitions, other.transitions)
    differences += _order("transitions", *(_unique(side.transitions, _title) for side in (one, other)))
    for what, entries in (("entry", "entries"), ("referral entry", "referral_entries")):
        differences += _named(
            what, *(_unique(getattr(side, entries), lambda entry: entry.stage) for side in (one, other))
        )
        differences += _order(
            entries, *(_unique(getattr(side, entries), lambda entry: entry.stage) for side in (one, other))
        )
    differences += _named("reason", one.reason_by_id, other.reason_by_id)
    differences += _named("field", before.fields, after.fields)
    differences += _named("activity kind", before.activity_kinds, after.activity_kinds)
    differences += _named("evidence", before.evidence, after.evidence)
    differences += _named("qualification", before.qualification_by_name, after.qualification_by_name)
    differences += _named(
        "readiness", *({"rule": side.readiness} if side.readiness else {} for side in (before, after))
    )
    differences += _named("score", *({policy.name: policy for policy in side.scores} for side in (before, after)))
    for what in ("business_hours", "channels"):
        differences += _named(what.removesuffix("s").replace("_", " "), getattr(before, what), getattr(after, what))
    differences += _named("programme", before.programme_by_name, after.programme_by_name)
    for what in ("contact_rules", "handoff"):
        given = ({"rules": getattr(side, what)} if getattr(side, what) else {} for side in (before, after))
        differences += _named(what.split("_")[0], *given)
    differences += _named("recycling rule", *(_unique(side.recycling, _reasons) for side in (before, after)))
    differences += _named("reward", *({rule.name: rule for rule in side.rewards} for side in (before, after)))
    profiles = ({str(one.lead_type): one for one in side.lead_types} for side in (before, after))
    differences += _named("lead type", *profiles)
    return tuple(differences)


def _reasons(rule: RecyclingRule) -> str:
    return ", ".join(rule.reasons)


def _unique(several: Iterable[Any], name: Callable[[Any], str]) -> dict[str, Any]:
    """Return things by name. Things that share a name get a number, so that none replaces another."""
    by_name: dict[str, Any] = {}
    for one in several:
        title, number = name(one), 2
        while title in by_name:
            title, number = f"{name(one)} ({number})", number + 1
        by_name[title] = one
    return by_name


def _title(rule: Transition) -> str:
    sources = rule.sources if isinstance(rule.sources, str) else ", ".join(rule.sources)
    unnamed = "the stage that was left" if rule.kind is TransitionKind.REOPEN else "the same stage"
    return f"{rule.trigger} from {sources} to {rule.target or unnamed}"


def _named(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name, was in before.items():
        if name not in after:
            yield Change(what, name, ChangeKind.REMOVED)
        elif was != after[name]:
            yield _changed(what, name, was, after[name])
    for name in after:
        if name not in before:
            yield Change(what, name, ChangeKind.ADDED)


def _order(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Yield a change if the things that both playbooks have come in another order."""
    was, now = [name for name in before if name in after], [name for name in after if name in before]
    # Order is part of the definition: the first transition or entry whose guard is true is the one that is taken.
    if was != now:
        moved = [(name, other) for name, other in zip(was, now, strict=True) if name != other]
        aspects = (("order", ", ".join(name for name, _ in moved), ", ".join(other for _, other in moved)),)
        yield Change("order of", what, ChangeKind.CHANGED, aspects)


def _transitions(before: tuple[Transition, ...], after: tuple[Transition, ...]) -> Iterator[Change]:
    """Yield the changes of transitions. A transition has no name, so old and new ones are paired by likeness."""
    gone = [rule for rule in before if rule not in after]
    new = [rule for rule in after if rule not in before]
    for rule in gone:
        alike = [one for one in new if one.trigger == rule.trigger]
        # The best pair has the same target, then the same sources: False sorts before True.
        alike.sort(key=lambda one: (one.target != rule.target, one.sources != rule.sources))
        if not alike:
            yield Change("transition", _title(rule), ChangeKind.REMOVED)
            continue
        new.remove(alike[0])
        yield _changed("transition", _title(rule), rule, alike[0])
    for rule in new:
        yield Change("transition", _title(rule), ChangeKind.ADDED)


def _changed(what: str, name: str, before: Any, after: Any) -> Change:
    aspects = tuple(_aspects(before, after))
    harmless = all(aspect[0] in WORDS_ONLY for aspect in aspects)
    return Change(what, name, ChangeKind.CHANGED, aspects, harmless, _narrows(what, before, after))


def _narrows(what: str, before: Any, after: Any) -> bool:
    match what:
        case "transition":
            return _fewer(before.reasons, after.reasons)
        case "field":
            return before.type != after.type or _fewer(before.choices, after.choices)
        case "reason":
            return after.needs_note and not before.needs_note
        case "entry" | "referral entry":
            return after.guard is not None and after.guard != before.guard
        case _:
            return False


def _fewer(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    # An empty list allows everything.
    return bool(after) and (not before or not set(before) <= set(after))


def _aspects(before: Any, after: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(before, Definition) and type(before) is type(after):
        for name in type(before).model_fields:
            aspect = _aspect(name, before, after)
            if aspect is not None:
                yield aspect
    elif isinstance(before, str) and isinstance(after, str):
        yield "meaning", before, after
    else:
        yield "kind", _in_words(before), _in_words(after)


def _aspect(name: str, before: Any, after: Any) -> tuple[str, str, str] | None:
    was, now = getattr(before, name), getattr(after, name)
    return None if was == now else (name, _in_words(was), _in_words(now))


def _in_words(value: Any) -> str:
    """Return a declared value in a few words."""
    if value is None or value in ((), {}, ""):
        return NOTHING
    if isinstance(value, Criterion):
        return value.sentence()
    if isinstance(value, Definition):
        given = {name: getattr(value, name) for name in type(value).model_fields}
        inner = (
            f"{name} {_in_words(one)}" for name, one in given.items() if one not in (None, (), {}, "") and name != "op"
        )
        return ", ".join(inner)
    if isinstance(value, tuple):
        return "; ".join(map(_in_words, value))
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_in_words(one)}" for name, one in value.items())
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def may_be_renamed(one: Stage, other: Stage) -> bool:
    """Return whether the second stage could be the first under a new name: same label, or all else equal."""
    return one.replace(id=other.id, label=None, aliases=()) == other.replace(label=None, aliases=()) or (
        one.label is not None and one.label == other.label
    )
