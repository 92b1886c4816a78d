"""Stages and transitions: the words of a lifecycle."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from leadlife._model import LAX, Definition, Name, Names, Text
from leadlife.criteria import Guard
from leadlife.errors import Malformed
from leadlife.signing import Signable
from leadlife.timing import PositiveDuration

EVERY_OPEN_STAGE = "*"
FIRING = ("identified", "activity", "attribute", "consent", "evidence", "sold", "cost", "referred", "score")
"""The types of fact that may fire a trigger: observed ones that are not moves themselves."""


class Status(StrEnum):
    """What it means to stand in a stage; reports rely on it, never on labels."""

    OPEN = "open"
    RECYCLED = "recycled"
    WON = "won"
    LOST = "lost"
    DISQUALIFIED = "disqualified"

    @property
    def closed(self) -> bool:
        """Whether the cycle is over, be it won, lost or disqualified."""
        return self in (Status.WON, Status.LOST, Status.DISQUALIFIED)


class Holds(StrEnum):
    """How long leads stay: inventory has no limit, sla has one, a gate holds nobody."""

    INVENTORY = "inventory"
    SLA = "sla"
    GATE = "gate"


class Kind(StrEnum):
    """What a transition means."""

    FORWARD = "forward"
    BACKWARD = "backward"
    SKIP = "skip"
    EXIT = "exit"
    RECYCLE = "recycle"
    REENTRY = "reentry"
    REPEAT = "repeat"
    REOPEN = "reopen"

    @property
    def leaves_closed(self) -> bool:
        """Whether it may lead out of a closed stage."""
        return self in (Kind.REENTRY, Kind.REPEAT, Kind.REOPEN, Kind.RECYCLE)


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


class Stage(Definition):
    """A place in the lifecycle."""

    id: Name
    label: Text | None = None
    """What people see; the id when not given."""
    team: Name | None = None
    """Who works the leads that stand here."""
    status: Annotated[Status, LAX] = Status.OPEN
    holds: Annotated[Holds, LAX] = Holds.INVENTORY
    """How long leads stay; sla when a limit is given."""
    on_path: bool = True
    """Whether it is on the success path, whose order is that of declaration; by default if it is open or won."""
    limit: Limit | None = None
    cool_down: PositiveDuration | None = None
    """How long a lead in a recycled stage is left in peace; only kind ``reentry`` is refused until then."""
    reentry_limit: Annotated[int, Field(ge=0, le=1_000)] | None = None
    """How many reentries out of a recycled stage are allowed since the last standing win."""
    routes: Annotated[tuple[Route, ...], LAX] = ()
    """The ways out of a gate, tried in order; the first whose guard is true is taken."""
    default: Name | None = None
    """Where everybody else goes from a gate."""
    must_pass: bool = False
    """Whether every way to won should cross it, such as consent or acceptance; the checker shows a way around it."""
    meaning: Text = ""

    @model_validator(mode="before")
    @classmethod
    def _implied(cls, data: Any) -> Any:
        """Fill in what follows: a limit means sla; recycled, lost and disqualified are off the success path."""
        if not isinstance(data, dict):
            return data
        implied: dict[str, Any] = {}
        if data.get("limit") is not None:
            implied["holds"] = Holds.SLA
        if data.get("status", Status.OPEN) in (Status.RECYCLED, Status.LOST, Status.DISQUALIFIED):
            implied["on_path"] = False
        return {**implied, **data}

    @property
    def name(self) -> str:
        """The label, or the id."""
        return self.label or self.id


class Transition(Signable):
    """A legal move: from some stages, by one trigger, to one stage."""

    trigger: Name
    sources: tuple[Name, ...] | Literal["*"]
    """The stages it leads out of; ``"*"`` means every stage that is neither closed nor a gate."""
    target: Name | None = None
    """Where it leads; None for an internal move (no new visit), or for kind ``reopen`` the stage that was left."""
    kind: Annotated[Kind, LAX]
    guard: Guard | None = None
    roles: Names = ()
    """Who may fire it; none means anyone."""
    needs_reason: bool = False
    reasons: Names = ()
    """Which reasons are allowed; none means the lifecycle's list."""
    on: Name | None = None
    """A kind of fact, such as ``sold``: recording one fires the trigger in the same step."""
    automatic: bool = False
    """Whether it is taken by itself as soon as its guard is true; no role is asked, and its only reason is given."""
    meaning: Text = ""

    @field_validator("sources", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        if isinstance(value, str):
            return value if value == EVERY_OPEN_STAGE else (value,)
        return tuple(value) if isinstance(value, list) else value

    @field_validator("sources")
    @classmethod
    def _some(cls, value: tuple[str, ...] | str) -> tuple[str, ...] | str:
        if not value:
            raise Malformed("a transition leads out of at least one stage")
        return value


class Reason(Definition):
    """Why a lead was recycled, lost or disqualified."""

    id: Name
    needs_note: bool = False
    """Whether free text must say more."""
    meaning: Text = ""


class Entry(Definition):
    """A stage at which a journey may begin."""

    stage: Name
    guard: Guard | None = None
