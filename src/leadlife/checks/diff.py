"""The difference of two playbooks: changed declarations, moves that became legal or illegal, and the map of stages."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from leadlife.checks.changes import Change, ChangeKind, changes, may_be_renamed
from leadlife.checks.legality import LegalityChange, allowed_only_by
from leadlife.errors import Malformed, UnknownName, did_you_mean
from leadlife.lifecycle.renaming import with_stages_renamed
from leadlife.playbook.playbook import Playbook


class Bump(StrEnum):
    """The part of a version that a difference requires to raise."""

    NONE = "none"
    PATCH = "patch"
    """Only descriptions for people differ, such as labels and meanings."""
    MINOR = "minor"
    """Something new is declared or legal, and nothing was taken away."""
    MAJOR = "major"
    """Something that was legal is illegal now, or something was removed or renamed."""


class Diff(NamedTuple):
    """The difference of two playbooks.

    Attributes:
        changes: The declarations that differ.
        now_legal: Moves that became legal, each with a lead that can make it only now.
        now_illegal: Moves that became illegal, each with a lead that can no longer make it. Stages have the names that
            they have in the old playbook.
        version_bump: The part of the version to raise.
        stages: The argument of ``PlaybookAdopted(stages=...)``: the new name of each stage that is gone. None means
            that a person must decide where the leads of this stage go.
        not_decided: Moves whose guards ask too many questions to compare.
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

    A stage that is gone and a stage that is new count as one renamed stage if they have the same label, or if all but
    their names is equal, and if no other stage fits as well; so do the aliases of stages. Name all other renamed stages
    in ``renamed``.

    Args:
        before: The old playbook.
        after: The new playbook.
        renamed: The new name of each renamed stage, by its old name.

    Raises:
        Malformed: An argument is not a playbook.
        UnknownName: A name in ``renamed`` is not a stage.
    """
    for side in (before, after):
        if not isinstance(side, Playbook):
            raise Malformed(
                f"diff() needs two playbooks, got {type(side).__name__}",
                hint="load a file with load_playbook(path), or build a preset with preset(name)",
            )
    names = _renamed(before, after, renamed or {})
    # Compare under the new names: a rename alone then changes no move.
    was = with_stages_renamed(before, names)
    old_names = {new: old for old, new in names.items()}
    declared = changes(was, after, old_names)
    undecided: set[tuple[str, str]] = set()
    now_legal = tuple(allowed_only_by(after, was, undecided))
    now_illegal = tuple(
        one._replace(stage=old_names.get(one.stage, one.stage), target=old_names.get(one.target or "", one.target))
        for one in allowed_only_by(was, after, undecided)
    )
    gone = [stage for stage in before.lifecycle.by_id if stage not in after.lifecycle.by_id]
    stages = {stage: names.get(stage) for stage in gone}
    not_decided = tuple(sorted(f"{trigger} from {stage}" for stage, trigger in undecided)) if declared else ()
    return Diff(declared, now_legal, now_illegal, _bump(declared, now_legal, now_illegal), stages, not_decided)


def _renamed(before: Playbook, after: Playbook, given: Mapping[str, str]) -> dict[str, str]:
    """Return the new name of each renamed stage, by its old name: those that are given, and those that are obvious."""
    for name, side in [*((old, before) for old in given), *((new, after) for new in given.values())]:
        if name not in side.lifecycle.by_id:
            raise UnknownName(f"there is no stage {name!r}", hint=did_you_mean(name, side.lifecycle.by_id))
    former = {old: new for old, new in after.lifecycle.former_names.items() if old in before.lifecycle.by_id}
    names = {**former, **given}
    gone = [one for one in before.lifecycle.stages if one.id not in after.lifecycle.by_id and one.id not in names]
    new = [
        one for one in after.lifecycle.stages if one.id not in before.lifecycle.by_id and one.id not in names.values()
    ]
    for stage in gone:
        successors = [one for one in new if may_be_renamed(stage, one)]
        rivals = [one for one in gone if successors and may_be_renamed(one, successors[0])]
        # Both sides must be unique: otherwise the choice would be a guess about where leads go.
        if len(successors) == len(rivals) == 1:
            names[stage.id] = successors[0].id
    return names


def _bump(declared: tuple[Change, ...], legal: tuple[LegalityChange, ...], illegal: tuple[LegalityChange, ...]) -> Bump:
    if not declared and not legal and not illegal:
        return Bump.NONE
    if illegal or any(change.how in (ChangeKind.REMOVED, ChangeKind.RENAMED) or change.narrower for change in declared):
        return Bump.MAJOR
    return Bump.PATCH if all(change.harmless for change in declared) and not legal else Bump.MINOR
