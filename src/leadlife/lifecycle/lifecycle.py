"""The lifecycle: stages and the legal moves between them, checked when built."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from leadlife._base.model import Accepts, Definition, TupleOf, default
from leadlife._frozen import FrozenDict
from leadlife.criteria import Criterion, View
from leadlife.errors import Fault, InvalidDefinition, Malformed, UnknownName, did_you_mean
from leadlife.lifecycle.edges import Edge, expand
from leadlife.lifecycle.kinds import with_kinds
from leadlife.lifecycle.machine import build_machine
from leadlife.lifecycle.renaming import with_stages_renamed
from leadlife.lifecycle.stages import EntryStage, Reason, Stage, StageType
from leadlife.lifecycle.table import TransitionTable
from leadlife.lifecycle.transitions import Transition
from leadlife.lifecycle.validation import lifecycle_faults

if TYPE_CHECKING:
    from transitions import Machine


def _entries(value: object) -> object:
    items = (value,) if isinstance(value, str) else value
    if isinstance(items, list | tuple):
        return tuple(EntryStage(stage=item) if isinstance(item, str) else item for item in items)
    return items


def _reasons(value: object) -> object:
    items = (value,) if isinstance(value, str) else value
    if isinstance(items, list | tuple):
        return tuple(Reason(id=item) if isinstance(item, str) else item for item in items)
    return items


if TYPE_CHECKING:
    _Entries = Accepts[tuple[EntryStage, ...], str | Iterable[EntryStage | str]]
    _Reasons = Accepts[tuple[Reason, ...], str | Iterable[Reason | str]]
else:
    _Entries = Annotated[tuple[EntryStage, ...], BeforeValidator(_entries)]
    _Reasons = Annotated[tuple[Reason, ...], BeforeValidator(_reasons)]


class Lifecycle(Definition):
    """The legal graph: stages, transitions, where journeys begin, and the reasons people may give.

    >>> from leadlife import Stage, Transition
    >>> Lifecycle(
    ...     stages=(Stage(id="mql"), Stage(id="won", status="won")),
    ...     transitions=(Transition(trigger="win", sources="mql", target="won"),),
    ... ).stage("won").status
    <StageStatus.WON: 'won'>

    Raises:
        InvalidDefinition: The declaration cannot hold; all faults are named together.
    """

    stages: Annotated[TupleOf[Stage], Field(min_length=1, max_length=500)]
    transitions: Annotated[TupleOf[Transition], Field(max_length=5_000)]
    entries: _Entries = default(())
    """Where a journey may begin; when not given, at the first stage."""
    referral_entries: _Entries = default(())
    """Where a referred lead may begin, best first; when not given, like anybody."""
    reasons: _Reasons = default(())

    @model_validator(mode="after")
    def _sound(self) -> Self:
        entries = {"entries": self.entries, "referral_entries": self.referral_entries}
        stages = {stage.id: stage for stage in self.stages}
        transitions, faults = with_kinds(stages, self.transitions)
        faults += lifecycle_faults(self.stages, transitions, entries, self.reasons)
        if faults:
            raise InvalidDefinition("the lifecycle has faults", faults=faults)
        # The value is frozen for everybody else; here it is still being made.
        vars(self)["transitions"] = transitions
        return self

    @cached_property
    def by_id(self) -> Mapping[str, Stage]:
        """The stages by their ids, in declared order."""
        return FrozenDict({stage.id: stage for stage in self.stages})

    @cached_property
    def reason_by_id(self) -> Mapping[str, Reason]:
        """The reasons by their ids, in declared order."""
        return FrozenDict({reason.id: reason for reason in self.reasons})

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every candidate, with wildcards, gates and reopening written out."""
        return tuple(expand(self.by_id, self.transitions))

    @cached_property
    def table(self) -> TransitionTable:
        """The legal moves as a table, compiled from :meth:`machine`."""
        return TransitionTable(self.stages, self.machine())

    def machine(self, *, view: Callable[[Any], View] | None = None) -> "Machine":
        """Return a fresh ``transitions.Machine`` for a host's own objects, callbacks or diagrams.

        Args:
            view: Turns a host's object into what guards read. Without it, pass ``view=`` to each trigger.
        """
        return build_machine(self.stages, self.edges, initial=self.first.stage, view=view)

    @cached_property
    def first(self) -> EntryStage:
        """Where a journey begins by default."""
        return (self.entries or (EntryStage(stage=self.stages[0].id),))[0]

    def _repr_html_(self) -> str:
        from leadlife._base.html import table  # noqa: PLC0415 - only a notebook pays for it

        head = ("stage", "team", "status", "limits", "ways out")
        return table("lifecycle", head, [self._row(stage) for stage in self.stages])

    def _row(self, stage: Stage) -> tuple[str, ...]:
        limits = [f"{stage.limit.after}, then {stage.limit.trigger}"] if stage.limit is not None else []
        limits += [f"cool-down {stage.cool_down}"] if stage.cool_down is not None else []
        limits += [f"{stage.reentry_limit} returns"] if stage.reentry_limit is not None else []
        ways = dict.fromkeys(
            f"{edge.trigger} to {edge.target or 'where it is'}" for edge in self.edges if edge.source == stage.id
        )
        ways |= dict.fromkeys(f"if {route.guard.sentence()}: to {route.target}" for route in stage.routes)
        ways |= {f"else to {stage.default}": None} if stage.default is not None else {}
        status = "gate" if stage.type is StageType.GATE else stage.status.value
        return stage.name, stage.team or "", status, "\n".join(limits), "\n".join(ways)

    def entries_for(self, *, referral: bool) -> tuple[EntryStage, ...]:
        """Return where a lead may begin, referred or not, best first."""
        usual = self.entries or (self.first,)
        return self.referral_entries + usual if referral else usual

    def guards(self) -> Iterator[tuple[str, Criterion]]:
        """Yield every guard, with its path in a playbook."""
        for place, rule in enumerate(self.transitions):
            if rule.guard is not None:
                yield f"lifecycle.transitions.{place}.guard", rule.guard
        for place, stage in enumerate(self.stages):
            for number, route in enumerate(stage.routes):
                yield f"lifecycle.stages.{place}.routes.{number}.guard", route.guard
        for name, entries in (("entries", self.entries), ("referral_entries", self.referral_entries)):
            for place, entry in enumerate(entries):
                if entry.guard is not None:
                    yield f"lifecycle.{name}.{place}.guard", entry.guard

    def stage(self, name: Any) -> Stage:
        """Return a stage by its id.

        Raises:
            UnknownName: There is no such stage.
        """
        if not isinstance(name, str) or name not in self.by_id:
            raise UnknownName(f"there is no stage {name!r}", hint=did_you_mean(str(name), self.by_id))
        return self.by_id[name]

    def with_stages(self, *stages: Stage, before: str | None = None, after: str | None = None) -> Self:
        """Return a lifecycle in which these stages replace those of the same id, or are inserted.

        Args:
            stages: The stages.
            before: The stage before which new ones are inserted.
            after: The stage after which they are inserted; without both, they come last.

        Raises:
            UnknownName: There is no such stage to insert before or after.
        """
        given = {stage.id: stage for stage in stages}
        kept = [given.pop(stage.id, stage) for stage in self.stages]
        place = _place("stage", [stage.id for stage in kept], before, after)
        return self.replace(stages=(*kept[:place], *given.values(), *kept[place:]))

    def with_transitions(self, *transitions: Transition, before: str | None = None, after: str | None = None) -> Self:
        """Return a lifecycle with further transitions.

        Args:
            transitions: The transitions. Of those with one trigger, the first whose guard is true is taken.
            before: The trigger before whose first transition they are inserted.
            after: The trigger after whose last transition they are inserted; without both, they come last.

        Raises:
            UnknownName: There is no such trigger to insert before or after.
        """
        place = _place("trigger", [rule.trigger for rule in self.transitions], before, after)
        return self.replace(transitions=(*self.transitions[:place], *transitions, *self.transitions[place:]))

    def renamed(self, old: str, new: str) -> Self:
        """Return a lifecycle in which a stage has a new id, with every reference to it, and the old one as an alias.

        ``Playbook.renamed`` also rewrites qualifications and scores.

        Raises:
            UnknownName: There is no such stage.
            InvalidDefinition: The new id is that of another stage.
        """
        if new in self.by_id and new != old:
            raise InvalidDefinition(f"{new!r} is the id of another stage", hint="choose an id that is free")
        renamed = with_stages_renamed(self, {self.stage(old).id: new})
        stage = renamed.stage(new)
        return renamed.with_stages(stage.replace(aliases=(*stage.aliases, old)))

    def automated(self, *triggers: str) -> Self:
        """Return a lifecycle in which the guarded moves of these triggers are made as soon as their guards are true.

        Raises:
            InvalidDefinition: A trigger is not declared, or one of its moves cannot be automatic.
        """
        self._known(triggers, "nothing to automate")
        return self.replace(
            transitions=tuple(
                rule.replace(automatic=True, on=None) if rule.trigger in triggers else rule for rule in self.transitions
            )
        )

    def without(self, *triggers: str) -> Self:
        """Return a lifecycle without the transitions of these triggers.

        Raises:
            InvalidDefinition: A trigger is not declared, or a limit needs it.
        """
        self._known(triggers, "nothing to take away")
        return self.replace(transitions=tuple(r for r in self.transitions if r.trigger not in triggers))

    @cached_property
    def former_names(self) -> Mapping[str, str]:
        """The former ids of stages, each with the present one."""
        return FrozenDict({alias: stage.id for stage in self.stages for alias in stage.aliases})

    def _known(self, triggers: tuple[str, ...], otherwise: str) -> None:
        known = {rule.trigger for rule in self.transitions}
        missing = [
            Fault("", f"no trigger {name!r}", did_you_mean(name, known)) for name in triggers if name not in known
        ]
        if missing:
            raise InvalidDefinition(otherwise, faults=missing)


def _place(what: str, names: list[str], before: str | None, after: str | None) -> int:
    """Return the place at which something new is inserted among names."""
    if before is not None and after is not None:
        raise Malformed("new ones are inserted before= or after= another, not both")
    anchor = after if before is None else before
    if anchor is None:
        return len(names)
    if anchor not in names:
        raise UnknownName(f"there is no {what} {anchor!r}", hint=did_you_mean(anchor, names))
    return names.index(anchor) if before is not None else len(names) - names[::-1].index(anchor)
