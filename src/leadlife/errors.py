"""What can go wrong, drawn.

::

    LeadlifeError
    ├── Malformed                 (ValueError)       input that cannot be understood; nothing was kept
    │   ├── InvalidDefinition                        a lifecycle, playbook or mapping with faults, all named
    │   ├── UnknownName                              a stage, kind, field or evidence that is not declared
    │   ├── CurrencyMismatch                         money of two currencies in one sum
    │   ├── AmbiguousDates                           a column that reads day-first and month-first alike
    │   └── Unreadable                               a file that cannot be read at all
    ├── MoveRefused                                  a move that the playbook does not allow; nothing was added
    │   ├── NotStarted            (RuntimeError)
    │   ├── OutOfOrder            (ValueError)
    │   ├── UnknownTrigger        (LookupError)
    │   ├── ClosedStage           (RuntimeError)
    │   ├── IllegalMove           (RuntimeError)
    │   ├── GuardNotMet           (RuntimeError)
    │   ├── GuardFailed           (RuntimeError)
    │   ├── NotPermitted          (PermissionError)
    │   ├── CoolingDown           (RuntimeError)
    │   ├── RecycleLimitReached   (RuntimeError)
    │   ├── ReasonMissing         (ValueError)
    │   └── ReasonNotListed       (ValueError)
    ├── GuardError                (RuntimeError)     a callable guard broke, on a machine of the host's own
    ├── PolicyError               (RuntimeError)     a scoring policy broke: it raised, or answered no score
    │   └── PolicyNotBound                           a policy is known by name only; its function was not handed in
    ├── PluginError               (ImportError)      what another package brings cannot be loaded; names the package
    ├── UnknownPlaybook           (LookupError)      a log names a playbook that was not handed in
    ├── StageConflict             (RuntimeError)     a host object stands elsewhere than its journey
    └── MissingExtra              (ImportError)      an optional package is needed; names the extra

Every error has a ``code`` for programs, a ``hint`` for people, ``details`` for both, and ``to_dict()``.
No message quotes the value of a field, a note or an amount; names that were asked for (a trigger, a reason, a key) are
quoted, because a typo can only be mended when it is seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from pydantic import ValidationError

MOST_NAMES_SHOWN = 12


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """Return the known name nearest to a mistyped one, if any is near."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake pays for this import

    near = get_close_matches(name[:200], list(known), n=1, cutoff=0.6)
    return near[0] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint for an unknown name: the nearest known one, or what there is."""
    names = list(known)
    near = suggestion(name, names)
    if near is not None:
        return f"did you mean {near!r}?"
    shown = ", ".join(names[:MOST_NAMES_SHOWN]) or "none"
    return f"declared are: {shown}" + (", ..." if len(names) > MOST_NAMES_SHOWN else "")


class LeadlifeError(Exception):
    """The root of every error that leadlife raises on purpose.

    Attributes:
        code: A stable name for programs.
        hint: What to do about it, or an empty string.
        details: Structured facts, plain values only.
    """

    code: ClassVar[str] = "leadlife_error"

    def __init__(self, message: str, *, hint: str = "", details: Mapping[str, Any] | None = None) -> None:
        self.message = message
        self.hint = hint
        self.details: dict[str, Any] = _plain(details or {})
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def to_dict(self) -> dict[str, Any]:
        """Return code, message, hint and details as plain values, ready for JSON."""
        return {
            "code": str(self.code),
            "message": self.message,
            "hint": self.hint,
            "details": self.details,
        }


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in some input: where it stands, what is wrong, what to do."""

    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        return f"{place}{self.message}" + (f" ({self.hint})" if self.hint else "")


def repeated(path: str, names: Iterable[str]) -> Iterator[Fault]:
    """Yield a fault for each name that was declared before, with its place."""
    seen: set[str] = set()
    for place, name in enumerate(names):
        if name in seen:
            yield Fault(f"{path}.{place}", f"{name!r} is declared twice")
        seen.add(name)


_RESTATED = {
    "extra_forbidden": "there is no such key",
    "union_tag_not_found": "this is none of the kinds known here, or does not say which (op)",
    "model_type": "this is no value of its kind, nor a mapping of its keys",
}
"""What pydantic says of its own insides, as a reader needs it."""


class Malformed(LeadlifeError, ValueError):
    """Input that cannot be understood. Nothing of it was kept.

    Attributes:
        faults: All that is wrong with it, each with the path to the place.
    """

    code: ClassVar[str] = "malformed"

    def __init__(
        self,
        message: str,
        *,
        faults: Iterable[Fault] = (),
        hint: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        listed = "".join(f"\n  - {fault}" for fault in self.faults)
        facts = {**(details or {})}
        if self.faults:
            facts["faults"] = [{"path": f.path, "message": f.message, "hint": f.hint} for f in self.faults]
        super().__init__(message + listed, hint=hint, details=facts)

    @classmethod
    def from_validation(cls, name: str, error: ValidationError) -> Malformed:
        """Restate pydantic's findings as ours, without the values that caused them."""
        faults: list[Fault] = []
        told = error.errors(include_url=False, include_input=False)
        for found in told:
            path = ".".join(str(part) for part in found["loc"])
            if found["type"] == "too_short" and any(
                other["loc"][: len(found["loc"])] == found["loc"] != other["loc"] for other in told
            ):
                continue  # its items are told already
            cause = found.get("ctx", {}).get("error")
            if isinstance(cause, Malformed) and cause.faults:
                prefix = f"{path}." if path else ""
                faults.extend(Fault(prefix + f.path, f.message, f.hint) for f in cause.faults)
            elif isinstance(cause, LeadlifeError):
                faults.append(Fault(path, cause.message, cause.hint))
            elif found["type"] == "union_tag_invalid":
                faults.append(Fault(path, f"this is none of: {found.get('ctx', {}).get('expected_tags')}"))
            elif found["type"] in _RESTATED:
                faults.append(Fault(path, _RESTATED[found["type"]]))
            else:
                faults.append(Fault(path, found["msg"].removeprefix("Value error, ")))
        return cls(f"{name} has {len(faults)} fault{'s' if len(faults) != 1 else ''}:", faults=faults)


class InvalidDefinition(Malformed):
    """A lifecycle, playbook or mapping that cannot hold; every fault is named with its path."""

    code: ClassVar[str] = "invalid_definition"


class UnknownName(Malformed):
    """A stage, activity kind, field or evidence that the playbook does not declare."""

    code: ClassVar[str] = "unknown_name"


class CurrencyMismatch(Malformed):
    """Money of two currencies met in one sum or comparison."""

    code: ClassVar[str] = "currency_mismatch"


class AmbiguousDates(Malformed):
    """A date column whose values prove no single format."""

    code: ClassVar[str] = "ambiguous_dates"


class Unreadable(Malformed):
    """A file or text that cannot be read at all."""

    code: ClassVar[str] = "unreadable"


class RefusalCode(StrEnum):
    """Why a move is refused, in the order in which several refusals are reported."""

    NOT_STARTED = "not_started"
    OUT_OF_ORDER = "out_of_order"
    UNKNOWN_TRIGGER = "unknown_trigger"
    CLOSED_STAGE = "closed_stage"
    ILLEGAL_MOVE = "illegal_move"
    GUARD_FAILED = "guard_failed"
    GUARD_NOT_MET = "guard_not_met"
    NOT_PERMITTED = "not_permitted"
    COOLING_DOWN = "cooling_down"
    RECYCLE_LIMIT = "recycle_limit"
    REASON_MISSING = "reason_missing"
    REASON_NOT_LISTED = "reason_not_listed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a move may not be made: the value behind a :class:`MoveRefused`."""

    code: RefusalCode
    message: str
    hint: str = ""
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        object.__setattr__(self, "details", _plain(self.details))

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def to_dict(self) -> dict[str, Any]:
        """Return the refusal as plain values, ready for JSON."""
        return {"code": str(self.code), "message": self.message, "hint": self.hint, "details": self.details}

    def error(self, others: tuple[Refusal, ...] = ()) -> MoveRefused:
        """Return the exception with the same content."""
        return _EXCEPTIONS[self.code](self, others)


class MoveRefused(LeadlifeError):
    """A move that the playbook does not allow. The journey is unchanged.

    Attributes:
        refusal: The first reason.
        others: Further reasons that hold as well, in their fixed order.
    """

    def __init__(self, refusal: Refusal, others: tuple[Refusal, ...] = ()) -> None:
        self.refusal = refusal
        self.others = others
        super().__init__(refusal.message, hint=refusal.hint, details=refusal.details)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.refusal, self.others)

    def to_dict(self) -> dict[str, Any]:
        """Return the refusal and the others as plain values, ready for JSON."""
        return {**super().to_dict(), "others": [other.to_dict() for other in self.others]}


class NotStarted(MoveRefused, RuntimeError):
    """The journey has no standing ``Started`` fact yet."""

    code: ClassVar[str] = RefusalCode.NOT_STARTED


class OutOfOrder(MoveRefused, ValueError):
    """The instant lies before the last observed fact; say ``late=True`` to mean it."""

    code: ClassVar[str] = RefusalCode.OUT_OF_ORDER


class UnknownTrigger(MoveRefused, LookupError):
    """No transition of the lifecycle has this trigger."""

    code: ClassVar[str] = RefusalCode.UNKNOWN_TRIGGER


class ClosedStage(MoveRefused, RuntimeError):
    """The stage is won, lost or disqualified and the trigger does not lead out of it."""

    code: ClassVar[str] = RefusalCode.CLOSED_STAGE


class IllegalMove(MoveRefused, RuntimeError):
    """The lifecycle declares no such move from the present stage."""

    code: ClassVar[str] = RefusalCode.ILLEGAL_MOVE


class GuardNotMet(MoveRefused, RuntimeError):
    """Every candidate's guard is false or unknown; the details tell which."""

    code: ClassVar[str] = RefusalCode.GUARD_NOT_MET


class GuardFailed(MoveRefused, RuntimeError):
    """A guard that is a Python callable raised, or answered neither True, False nor None."""

    code: ClassVar[str] = RefusalCode.GUARD_FAILED


class NotPermitted(MoveRefused, PermissionError):
    """The actor has none of the roles that may fire this transition."""

    code: ClassVar[str] = RefusalCode.NOT_PERMITTED


class CoolingDown(MoveRefused, RuntimeError):
    """The lead is left in peace for now; ``details['until']`` tells how long."""

    code: ClassVar[str] = RefusalCode.COOLING_DOWN

    @property
    def until(self) -> datetime:
        """When the cool-down is over."""
        return datetime.fromisoformat(self.details["until"])


class RecycleLimitReached(MoveRefused, RuntimeError):
    """The lead has returned from recycling as often as the playbook allows."""

    code: ClassVar[str] = RefusalCode.RECYCLE_LIMIT


class ReasonMissing(MoveRefused, ValueError):
    """The transition needs a reason, or the reason needs a note."""

    code: ClassVar[str] = RefusalCode.REASON_MISSING


class ReasonNotListed(MoveRefused, ValueError):
    """The reason is not in the list that the playbook gives for this transition."""

    code: ClassVar[str] = RefusalCode.REASON_NOT_LISTED


_EXCEPTIONS: dict[RefusalCode, type[MoveRefused]] = {
    RefusalCode(kind.code): kind
    for kind in (
        NotStarted,
        OutOfOrder,
        UnknownTrigger,
        ClosedStage,
        IllegalMove,
        GuardNotMet,
        GuardFailed,
        NotPermitted,
        CoolingDown,
        RecycleLimitReached,
        ReasonMissing,
        ReasonNotListed,
    )
}


class GuardError(LeadlifeError, RuntimeError):
    """A callable guard raised, or answered something else than True, False or None.

    A journey turns it into the refusal ``guard_failed``; a host's own machine lets it through.
    """

    code: ClassVar[str] = "guard_error"

    def __init__(self, guard: str, problem: str) -> None:
        self.guard = guard
        self.problem = problem
        super().__init__(f"guard {guard!r} {problem}", details={"guard": guard})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.guard, self.problem)


class PolicyError(LeadlifeError, RuntimeError):
    """A scoring policy raised, or answered something that is no score: NaN, infinity, another type.

    As an input of a guard it becomes the refusal ``guard_failed``, and the fact is kept.
    """

    code: ClassVar[str] = "policy_error"

    def __init__(self, policy: str, problem: str) -> None:
        self.policy = policy
        self.problem = problem
        super().__init__(f"policy {policy!r} {problem}", details={"policy": policy})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.policy, self.problem)


class PolicyNotBound(PolicyError):
    """A policy that is a function or an object of one's own is known by name only: nobody handed it in."""

    code: ClassVar[str] = "policy_not_bound"


class PluginError(LeadlifeError, ImportError):
    """Something that another package brings cannot be loaded, or is not what it says; names the package."""

    code: ClassVar[str] = "plugin_error"

    def __init__(self, package: str, problem: str) -> None:
        self.package = package
        self.problem = problem
        super().__init__(problem, hint=f"mend or take out the package {package!r}", details={"package": package})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.package, self.problem)


class UnknownPlaybook(LeadlifeError, LookupError):
    """A log names a playbook that was not handed in, or one whose content has changed since."""

    code: ClassVar[str] = "unknown_playbook"


class StageConflict(LeadlifeError, RuntimeError):
    """A host's object stands in another stage than its journey."""

    code: ClassVar[str] = "stage_conflict"


class MissingExtra(LeadlifeError, ImportError):
    """An optional package is needed; the hint names the extra that brings it."""

    code: ClassVar[str] = "missing_extra"
