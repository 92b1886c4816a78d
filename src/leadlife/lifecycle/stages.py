"""Stages: their status, type, limit and reasons."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator

from leadlife._base.model import Definition, Name, Names, OneOf, Text, TupleOf, default
from leadlife.criteria import Guard, OptionalGuard
from leadlife.timing import OptionalDuration, PositiveDuration


class StageStatus(StrEnum):
    """What it means to stand in a stage; reports rely on it, never on labels."""

    OPEN = "open"
    RECYCLED = "recycled"
    WON = "won"
    LOST = "lost"
    DISQUALIFIED = "disqualified"
    CHURNED = "churned"
    """A customer who left. The sale stays won; only the time as a customer is over."""

    @property
    def closed(self) -> bool:
        """Whether nothing is open with the lead, which is won, lost, disqualified or churned."""
        return self in _CLOSED

    @property
    def cuts_evidence(self) -> bool:
        """Whether entering a stage of this status cuts off older evidence, sales and grants."""
        return self in _CUTS_EVIDENCE

    @property
    def off_path(self) -> bool:
        """Whether a stage of this status is never on the success path."""
        return self not in (StageStatus.OPEN, StageStatus.WON)


# Every move asks for these, and looking a member up in its enumeration takes Python 3.11 longer than the answer does.
_CLOSED = (StageStatus.WON, StageStatus.LOST, StageStatus.DISQUALIFIED, StageStatus.CHURNED)
_CUTS_EVIDENCE = (StageStatus.WON, StageStatus.RECYCLED, StageStatus.CHURNED)
_OFF_PATH = frozenset[str](status for status in StageStatus if status.off_path)


class StageType(StrEnum):
    """How long leads stay: inventory has no limit, sla has one, a gate holds nobody."""

    INVENTORY = "inventory"
    SLA = "sla"
    GATE = "gate"


class Limit(Definition):
    """How long a lead may stay in a stage, and what happens then."""

    after: PositiveDuration
    """Counted from the latest entry."""
    trigger: Name
    """The trigger that is fired at that instant."""
    reason: Name | None = None


class Route(Definition):
    """One way out of a gate."""

    guard: Guard
    target: Name

    def stages_renamed(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return where it leads, under new names."""
        return {"target": names.get(self.target, self.target)}


class Stage(Definition):
    """A place in the lifecycle."""

    id: Name
    label: Text | None = None
    """What people see; the id when not given."""
    aliases: Names = default(())
    """Its former ids. Adopting the playbook gives leads the new one, and figures count the former ones with it."""
    team: Name | None = None
    """Who works the leads that stand here."""
    status: OneOf[StageStatus] = default(StageStatus.OPEN)
    type: OneOf[StageType] = default(StageType.INVENTORY)
    """How long leads stay; sla when a limit is given."""
    on_path: bool = True
    """Whether it is on the success path, whose order is that of declaration; by default if it is open or won."""
    limit: Limit | None = None
    cool_down: OptionalDuration = default(None)
    """How long a lead in a recycled stage is left in peace; only kind ``reentry`` is refused until then."""
    reentry_limit: Annotated[int, Field(ge=0, le=1_000)] | None = None
    """How many reentries out of a recycled stage are allowed since the last standing win."""
    routes: TupleOf[Route] = default(())
    """The ways out of a gate, tried in order; the first whose guard is true is taken."""
    default: Name | None = None
    """Where everybody else goes from a gate."""
    must_pass: bool = False
    """Whether every way to won should cross it, such as consent or acceptance; the checker shows a way around it."""
    meaning: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _implied(cls, data: Any) -> Any:
        """Fill in what follows: a limit means sla; only open and won stages are on the success path."""
        if not isinstance(data, dict):
            return data
        implied: dict[str, Any] = {}
        if data.get("limit") is not None:
            implied["type"] = StageType.SLA
        status = data.get("status")
        if isinstance(status, str) and status in _OFF_PATH:
            implied["on_path"] = False
        return {**implied, **data}

    @property
    def name(self) -> str:
        """The label, or the id."""
        return self.label or self.id

    def stages_renamed(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return its id and its default, under new names; a new name that it had before is not a former one."""
        name = names.get(self.id, self.id)
        default = None if self.default is None else names.get(self.default, self.default)
        return {"id": name, "default": default, "aliases": tuple(one for one in self.aliases if one != name)}


class Reason(Definition):
    """Why a lead was recycled, lost or disqualified."""

    id: Name
    needs_note: bool = False
    """Whether a note must be given."""
    meaning: Text = ""


class EntryStage(Definition):
    """A stage at which a journey may begin."""

    stage: Name
    guard: OptionalGuard = default(None)

    def stages_renamed(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return its stage, under new names."""
        return {"stage": names.get(self.stage, self.stage)}
