"""Transitions: the legal moves of a lifecycle, as a person declares them."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import field_validator

from leadlife._base.model import LAX, Accepts, Name, Names, Text, default
from leadlife.criteria import OptionalGuard
from leadlife.errors import Malformed
from leadlife.lifecycle.sign_off import Signable

EVERY_OPEN_STAGE = "*"

FIRING = (
    "identified",
    "activity",
    "attribute",
    "consent",
    "consent_granted",
    "consent_withdrawn",
    "evidence",
    "sold",
    "cost",
    "referred",
    "score",
)
"""What may fire a trigger: the types of observed facts that are not moves themselves; a consent also by its answer."""


class TransitionKind(StrEnum):
    """What a transition means."""

    FORWARD = "forward"
    BACKWARD = "backward"
    SKIP = "skip"
    EXIT = "exit"
    RECYCLE = "recycle"
    REENTRY = "reentry"
    REPEAT = "repeat"
    REOPEN = "reopen"
    CHURN = "churn"

    @property
    def leaves_closed(self) -> bool:
        """Whether it may lead out of a closed stage."""
        return self in _LEAVES_CLOSED


_LEAVES_CLOSED = (
    TransitionKind.REENTRY,
    TransitionKind.REPEAT,
    TransitionKind.REOPEN,
    TransitionKind.RECYCLE,
    TransitionKind.CHURN,
)

if TYPE_CHECKING:
    _Sources = Accepts[tuple[str, ...] | Literal["*"], str | Iterable[str]]
    _Kind = Accepts[TransitionKind, TransitionKind | str | None]
else:
    _Sources = tuple[Name, ...] | Literal["*"]
    _Kind = Annotated[TransitionKind, LAX] | None


class Transition(Signable):
    """A legal move: from some stages, by one trigger, to one stage."""

    trigger: Name
    sources: _Sources
    """The stages it leads out of. ``"*"`` means every open stage and every recycled one: it leaves out the won, lost,
    disqualified and churned stages, the gates, and the target itself."""
    target: Name | None = None
    """Where it leads; None for an internal move (no new visit), or for kind ``reopen`` the stage that was left."""
    kind: _Kind = default(None)
    """What the move means. A lifecycle fills it in where the statuses and the success path imply it."""
    guard: OptionalGuard = default(None)
    roles: Names = default(())
    """Who may fire it; none means anyone."""
    needs_reason: bool = False
    reasons: Names = default(())
    """Which reasons are allowed; none means the lifecycle's list."""
    on: Name | None = None
    """A kind of fact, such as ``sold``: recording one fires the trigger in the same step."""
    pending: bool = False
    """Whether a fact of that kind which finds the move not yet legal fires it as soon as it is.

    Only facts dated in an open stage wait, and only within their cycle, so that a renewal never wins the next deal. A
    closing ends the wait, and reopening revives it. Any move by the same trigger fulfils it.
    """
    automatic: bool = False
    """Whether it is taken by itself as soon as its guard is true; no role is asked, and its only reason is given."""
    meaning: Text = ""

    @property
    def has_kind(self) -> bool:
        """Whether the kind is stated, or filled in by a lifecycle."""
        return vars(self)["kind"] is not None

    @property
    def states_kind(self) -> bool:
        """Whether the kind is stated here, and so holds in any lifecycle."""
        return self.has_kind and "kind" in self.model_fields_set

    def with_implied(self, kind: TransitionKind) -> Self:
        """Return the transition with the kind that its lifecycle implies; another lifecycle may imply another one."""
        filled = self.replace(kind=kind)
        filled.model_fields_set.discard("kind")
        return filled

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed. A kind that was implied is not kept as if it had been stated."""
        return super().replace(**(changes if self.states_kind else {"kind": None, **changes}))

    def stages_renamed(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return its sources and its target, under new names."""
        sources, target = self.sources, self.target
        return {
            "sources": sources if isinstance(sources, str) else tuple(names.get(name, name) for name in sources),
            "target": None if target is None else names.get(target, target),
        }

    @field_validator("sources", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        if isinstance(value, str):
            return value if value == EVERY_OPEN_STAGE else (value,)
        if not isinstance(value, list | tuple) or EVERY_OPEN_STAGE in value:
            raise Malformed('must be one stage, a list of stages, or "*" alone')
        return tuple(value)

    @field_validator("sources")
    @classmethod
    def _some(cls, value: tuple[str, ...] | str) -> tuple[str, ...] | str:
        if not value:
            raise Malformed("a transition leads out of at least one stage")
        return value
