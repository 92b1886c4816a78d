"""The difference of two playbooks: what is declared differently, what became legal and illegal, and how to adopt it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from leadlife.checks.changes import Change, How, called, changes, narrows, same_but_for_its_name
from leadlife.checks.legality import LegalityChange, allowed_only_by
from leadlife.errors import Malformed, UnknownName, did_you_mean
from leadlife.playbook.playbook import Playbook


class Bump(StrEnum):
    """Which part of a version a difference asks to raise."""

    NONE = "none"
    PATCH = "patch"
    """Only words that people read are different."""
    MINOR = "minor"
    """More is declared or legal, and nothing less."""
    MAJOR = "major"
    """Something is illegal that was legal, or gone that was there."""


class Diff(NamedTuple):
    """The difference of two playbooks.

    Attributes:
        changes: What is declared differently.
        now_legal: Moves that became legal, each with a lead that shows it.
        now_illegal: Moves that became illegal, likewise. A stage is called as in the playbook where the move is legal.
        version_bump: Which part of the version to raise.
        stages: What ``PlaybookAdopted(stages=...)`` needs: the new name of each stage that is gone; None is a hole,
            where a person must say where its leads go.
        not_decided: Moves whose guards ask too much together to say what became of them.
    """

    changes: tuple[Change, ...]
    now_legal: tuple[LegalityChange, ...]
    now_illegal: tuple[LegalityChange, ...]
    version_bump: Bump
    stages: dict[str, str | None]
    not_decided: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [str(change) for change in self.changes]
        lines += [f"now legal: {one}" for one in self.now_legal]
        lines += [f"now illegal: {one}" for one in self.now_illegal]
        lines += [f"not decided: {one}" for one in self.not_decided]
        lines += [f"leads in {old} go to: {new or '?'}" for old, new in self.stages.items()]
        return "\n".join([*lines, f"version bump: {self.version_bump}"]) if lines else "no difference"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "changes": [change.to_dict() for change in self.changes],
            "now_legal": [one.to_dict() for one in self.now_legal],
            "now_illegal": [one.to_dict() for one in self.now_illegal],
            "version_bump": self.version_bump.value,
            "stages": dict(self.stages),
            "not_decided": list(self.not_decided),
        }


def diff(before: Playbook, after: Playbook, *, renamed: Mapping[str, str] | None = None) -> Diff:
    """Return the difference of two playbooks.

    A stage that is gone and one that is new are taken for one under a new name if they have one label, or all else in
    common and no rival; otherwise a person must say so.

    Args:
        before: The playbook as it was.
        after: The playbook as it is to be.
        renamed: The new names of stages, by their old ones, where that cannot be seen.

    Raises:
        Malformed: One is no playbook.
        UnknownName: A name in ``renamed`` is no stage.
    """
    if not all(isinstance(side, Playbook) for side in (before, after)):
        raise Malformed("two playbooks are compared")
    names = _renamed(before, after, renamed or {})
    was = called(before, names)
    declared = changes(was, after, {new: old for old, new in names.items()})
    old_names = {new: old for old, new in names.items()}
    undecided: set[tuple[str, str]] = set()
    now_legal = tuple(allowed_only_by(after, was, undecided))
    now_illegal = tuple(
        one._replace(stage=old_names.get(one.stage, one.stage), target=old_names.get(one.target or "", one.target))
        for one in allowed_only_by(was, after, undecided)
    )
    gone = [stage for stage in before.lifecycle.by_id if stage not in after.lifecycle.by_id]
    stages = {stage: names.get(stage) for stage in gone}
    unsaid = tuple(sorted(f"{trigger} from {stage}" for stage, trigger in undecided)) if declared else ()
    return Diff(declared, now_legal, now_illegal, _bump(declared, now_legal, now_illegal), stages, unsaid)


def _renamed(before: Playbook, after: Playbook, told: Mapping[str, str]) -> dict[str, str]:
    for name, side in [*((old, before) for old in told), *((new, after) for new in told.values())]:
        if name not in side.lifecycle.by_id:
            raise UnknownName(f"there is no stage {name!r}", hint=did_you_mean(name, side.lifecycle.by_id))
    names = dict(told)
    gone = [one for one in before.lifecycle.stages if one.id not in after.lifecycle.by_id and one.id not in names]
    new = [
        one for one in after.lifecycle.stages if one.id not in before.lifecycle.by_id and one.id not in names.values()
    ]
    for stage in gone:
        heirs = [one for one in new if same_but_for_its_name(stage, one)]
        rivals = [one for one in gone if heirs and same_but_for_its_name(one, heirs[0])]
        if len(heirs) == len(rivals) == 1:
            names[stage.id] = heirs[0].id
    return names


def _bump(declared: tuple[Change, ...], legal: tuple[LegalityChange, ...], illegal: tuple[LegalityChange, ...]) -> Bump:
    if not declared and not legal and not illegal:
        return Bump.NONE
    if illegal or any(change.how in (How.REMOVED, How.RENAMED) or narrows(change) for change in declared):
        return Bump.MAJOR
    return Bump.PATCH if all(change.harmless for change in declared) and not legal else Bump.MINOR
