"""The lifecycle: stages and the legal moves between them, checked when built."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from leadlife._base.model import Accepts, Definition, TupleOf, default
from leadlife._frozen import FrozenDict
from leadlife.criteria import View
from leadlife.errors import Fault, InvalidDefinition, UnknownName, did_you_mean
from leadlife.lifecycle.edges import Edge, expand
from leadlife.lifecycle.kinds import with_kinds
from leadlife.lifecycle.machine import build_machine
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

    def stage(self, name: Any) -> Stage:
        """Return a stage by its id.

        Raises:
            UnknownName: There is no such stage.
        """
        if not isinstance(name, str) or name not in self.by_id:
            raise UnknownName(f"there is no stage {name!r}", hint=did_you_mean(str(name), self.by_id))
        return self.by_id[name]

    def with_stages(self, *stages: Stage) -> Self:
        """Return a lifecycle in which these stages replace those of the same id, or come last."""
        given = {stage.id: stage for stage in stages}
        kept = [given.pop(stage.id, stage) for stage in self.stages]
        return self.replace(stages=(*kept, *given.values()))

    def with_transitions(self, *transitions: Transition) -> Self:
        """Return a lifecycle with further transitions, tried after those already there."""
        return self.replace(transitions=(*self.transitions, *transitions))

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

    def _known(self, triggers: tuple[str, ...], otherwise: str) -> None:
        known = {rule.trigger for rule in self.transitions}
        missing = [
            Fault("", f"no trigger {name!r}", did_you_mean(name, known)) for name in triggers if name not in known
        ]
        if missing:
            raise InvalidDefinition(otherwise, faults=missing)
