"""All errors of leadlife, in one file of over 400 lines, so that the tree is whole.

::

    LeadlifeError
    ├── Malformed                 (ValueError)       input that is not valid; none of it was kept
    │   ├── InvalidDefinition                        a lifecycle, playbook or mapping with faults; all are listed
    │   ├── UnknownName                              a stage, kind, field or evidence that is not declared
    │   ├── CurrencyMismatch                         money of two currencies in one sum
    │   ├── AmbiguousDates                           a date column that may be day-first or month-first
    │   └── Unreadable                               a file that cannot be read at all
    ├── MoveRefused                                  a move that the playbook does not allow; no fact was added
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
    │   ├── SalePending           (RuntimeError)
    │   ├── ReasonMissing         (ValueError)
    │   └── ReasonNotListed       (ValueError)
    ├── GuardError                (RuntimeError)     a callable guard raised, or did not answer True, False or None
    ├── PolicyError               (RuntimeError)     a scoring policy raised, or did not give a valid score
    │   └── PolicyNotBound                           a custom policy has no function bound to it
    ├── PluginError               (ImportError)      a plugin of another package cannot be loaded; the package is named
    ├── NeedsWholeLog             (ValueError)       an answer needs facts from before a snapshot
    ├── UnknownPlaybook           (LookupError)      a log names a playbook that was not passed
    ├── FrozenValue               (AttributeError)   an attribute of an immutable value was assigned or deleted
    ├── StageConflict             (RuntimeError)     an object of the host is in another stage than its journey
    ├── UnknownLead               (LookupError)      a store holds no such lead
    ├── LeadErased                (LookupError)      the data of the lead were erased; a tombstone is left
    ├── VersionConflict           (RuntimeError)     a lead was saved by somebody else in between
    ├── KeyReused                 (ValueError)       an idempotency key was sent before with another request
    ├── StoreUnavailable          (RuntimeError)     a store cannot answer now: others use it, or its disk is full
    ├── Damaged                   (ValueError)       a stored row is not as it was written
    └── MissingExtra              (ImportError)      an optional package is missing; the extra is named

Every error has a ``code`` for programs, a ``hint`` for people, ``details`` for both, an ``http_status`` for web
servers, and ``to_dict()``.
No message quotes the value of a field, a note or an amount. Names that a person typed (a trigger, a reason, a key) are
quoted, because a typo must be seen to be corrected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar

from leadlife._frozen import FrozenDict, frozen

MOST_NAMES_SHOWN = 12


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most similar to a mistyped one; None if no name is similar."""
    from difflib import get_close_matches  # noqa: PLC0415 - only errors need this import

    # The name is cut, because the time of a comparison grows with the length of both names.
    # What was written is never suggested: it is wrong where it stands, though it may be right elsewhere.
    others = [other for other in known if other != name]
    similar = get_close_matches(name[:200], others, n=3, cutoff=0.6)
    # Of names that are as near, the one that begins as written is meant: ``=`` is ``==``, not ``>=``.
    return next((one for one in similar if one.startswith(name) and len(one) == len(similar[0])), (*similar, None)[0])


def article(noun: str) -> str:
    """Return a noun after its article, such as ``an int``."""
    # No U here: the types whose names begin with it are spoken "you".
    return f"{'an' if noun[:1].lower() in 'aeio' else 'a'} {noun}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint for an unknown name: the most similar known name, or else the first known names."""
    names = list(known)
    similar = suggestion(name, names)
    if similar is not None:
        return f"did you mean {similar!r}?"
    shown = ", ".join(names[:MOST_NAMES_SHOWN]) or "none"
    return f"declared are: {shown}" + (", ..." if len(names) > MOST_NAMES_SHOWN else "")


class LeadlifeError(Exception):
    """The root of all errors of leadlife.

    Attributes:
        code: A stable name for programs.
        http_status: The status with which a web server answers; 500 where the fault is not the client's.
        message: What is wrong.
        hint: What to do about it, or an empty string.
        details: More about it, as plain values.
    """

    code: ClassVar[str] = "leadlife_error"
    http_status: ClassVar[int] = 500

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
    """One fault of an input: its place, what is wrong, and what to do about it."""

    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        return f"{place}{self.message}" + (f" ({self.hint})" if self.hint else "")


def repeated(path: str, names: Iterable[str]) -> Iterator[Fault]:
    """Yield a fault for each name that is declared a second time, with its place."""
    seen: set[str] = set()
    for place, name in enumerate(names):
        if name in seen:
            yield Fault(f"{path}.{place}", f"{name!r} is declared twice", "rename one of the two")
        seen.add(name)


class Malformed(LeadlifeError, ValueError):
    """Input that is not valid. None of it was kept.

    Attributes:
        faults: Its faults, each with the path to its place.
    """

    code: ClassVar[str] = "malformed"
    http_status: ClassVar[int] = 422

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


class InvalidDefinition(Malformed):
    """A lifecycle, playbook or mapping with faults; each fault is listed with its path."""

    code: ClassVar[str] = "invalid_definition"


class UnknownName(Malformed):
    """A stage, activity kind, field or evidence that the playbook does not declare."""

    code: ClassVar[str] = "unknown_name"


class CurrencyMismatch(Malformed):
    """Money of two currencies in one sum or comparison."""

    code: ClassVar[str] = "currency_mismatch"


class AmbiguousDates(Malformed):
    """A date column whose values fit more than one format."""

    code: ClassVar[str] = "ambiguous_dates"


class Unreadable(Malformed):
    """A file or text that cannot be read at all."""

    code: ClassVar[str] = "unreadable"
    http_status: ClassVar[int] = 400


class RefusalCode(StrEnum):
    """Why a move is refused. Several refusals are reported in this order."""

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
    SALE_PENDING = "sale_pending"
    REASON_MISSING = "reason_missing"
    REASON_NOT_LISTED = "reason_not_listed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a move is not allowed; :class:`MoveRefused` raises it."""

    code: RefusalCode
    message: str
    hint: str = ""
    details: Mapping[str, Any] = field(default_factory=FrozenDict[str, Any])
    cause: Any = field(default=None, compare=False, repr=False)
    """The exception of custom code, where that broke. It is raised along and never kept; a copy has none."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.message, self.hint, self.details)

    def __post_init__(self) -> None:
        object.__setattr__(self, "details", frozen(_plain(self.details)))

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def to_dict(self) -> dict[str, Any]:
        """Return the refusal as plain values, ready for JSON."""
        details = _plain(self.details)  # a copy, because one refusal may stand in many journeys
        return {"code": str(self.code), "message": self.message, "hint": self.hint, "details": details}

    def error(self, others: tuple[Refusal, ...] = ()) -> MoveRefused:
        """Return the exception with the same content."""
        error = _EXCEPTIONS[self.code](self, others)
        error.__cause__ = self.cause
        return error


class MoveRefused(LeadlifeError):
    """A move that the playbook does not allow. The journey is unchanged.

    Attributes:
        refusal: The first reason.
        others: The other reasons, in their fixed order.
    """

    http_status: ClassVar[int] = 409

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
    """The journey has no ``Started`` fact that is in force."""

    code: ClassVar[str] = RefusalCode.NOT_STARTED


class OutOfOrder(MoveRefused, ValueError):
    """The instant is before the last observed fact; ``late=True`` allows it."""

    code: ClassVar[str] = RefusalCode.OUT_OF_ORDER


class UnknownTrigger(MoveRefused, LookupError):
    """No transition of the lifecycle has this trigger."""

    code: ClassVar[str] = RefusalCode.UNKNOWN_TRIGGER
    http_status: ClassVar[int] = 422


class ClosedStage(MoveRefused, RuntimeError):
    """The stage is won, lost, disqualified or churned, and the trigger does not lead out of it."""

    code: ClassVar[str] = RefusalCode.CLOSED_STAGE


class IllegalMove(MoveRefused, RuntimeError):
    """The lifecycle declares no transition with this trigger from the present stage."""

    code: ClassVar[str] = RefusalCode.ILLEGAL_MOVE


class GuardNotMet(MoveRefused, RuntimeError):
    """The guard of each candidate transition is false or unknown; the details say which."""

    code: ClassVar[str] = RefusalCode.GUARD_NOT_MET


class GuardFailed(MoveRefused, RuntimeError):
    """A guard that is a Python callable raised, or did not answer True, False or None."""

    code: ClassVar[str] = RefusalCode.GUARD_FAILED
    http_status: ClassVar[int] = 500


class NotPermitted(MoveRefused, PermissionError):
    """The actor has none of the roles that may fire this transition."""

    code: ClassVar[str] = RefusalCode.NOT_PERMITTED
    http_status: ClassVar[int] = 403


class CoolingDown(MoveRefused, RuntimeError):
    """The cool-down after recycling is not over; ``details['until']`` is its end."""

    code: ClassVar[str] = RefusalCode.COOLING_DOWN

    @property
    def until(self) -> datetime:
        """The instant at which the cool-down is over."""
        return datetime.fromisoformat(self.details["until"])


class RecycleLimitReached(MoveRefused, RuntimeError):
    """The lead has returned from recycling as often as the playbook allows."""

    code: ClassVar[str] = RefusalCode.RECYCLE_LIMIT


class SalePending(MoveRefused, RuntimeError):
    """A sale waits for its move, so no limit and no automatic move recycles the lead; a person may."""

    code: ClassVar[str] = RefusalCode.SALE_PENDING


class ReasonMissing(MoveRefused, ValueError):
    """The transition needs a reason, or the reason needs a note."""

    code: ClassVar[str] = RefusalCode.REASON_MISSING
    http_status: ClassVar[int] = 422


class ReasonNotListed(MoveRefused, ValueError):
    """The reason is not one of those that the playbook lists for this transition."""

    code: ClassVar[str] = RefusalCode.REASON_NOT_LISTED
    http_status: ClassVar[int] = 422


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
        SalePending,
        ReasonMissing,
        ReasonNotListed,
    )
}


class GuardError(LeadlifeError, RuntimeError):
    """A callable guard raised, or did not answer True, False or None; or a policy broke whose score a criterion reads.

    A journey turns it into the refusal ``guard_failed``; a state machine of the host raises it.
    """

    code: ClassVar[str] = "guard_error"

    def __init__(self, guard: str, problem: str, *, what: str = "guard") -> None:
        self.guard = guard
        self.problem = problem
        self.what = what
        super().__init__(f"{what} {guard!r} {problem}", details={what: guard})

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), what=self.what), (self.guard, self.problem)


class PolicyError(LeadlifeError, RuntimeError):
    """A scoring policy raised, or did not give a valid score (it gave NaN, infinity or another type).

    In a guard it becomes the refusal ``guard_failed``. A fact that is being recorded is kept.
    """

    code: ClassVar[str] = "policy_error"

    def __init__(self, policy: str, problem: str) -> None:
        self.policy = policy
        self.problem = problem
        super().__init__(f"policy {policy!r} {problem}", details={"policy": policy})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.policy, self.problem)


class PolicyNotBound(PolicyError):
    """A custom policy is known by name only: no function or object was bound to it."""

    code: ClassVar[str] = "policy_not_bound"


class PluginError(LeadlifeError, ImportError):
    """A plugin of another package cannot be loaded, or is of the wrong type; the package is named."""

    code: ClassVar[str] = "plugin_error"

    def __init__(self, package: str, problem: str, remedy: str = "") -> None:
        self.package = package
        self.problem = problem
        self.remedy = remedy
        hint = f"update or uninstall the package {package!r}"
        super().__init__(problem, hint=f"{remedy}, or {hint}" if remedy else hint, details={"package": package})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.package, self.problem, self.remedy)


class NeedsWholeLog(LeadlifeError, ValueError):
    """An answer needs facts that lie before a snapshot, or the facts do not go on from it."""

    code: ClassVar[str] = "needs_whole_log"

    def __init__(self, problem: str, *, saved: int, given: int | None = None) -> None:
        """Take what is at hand.

        Args:
            problem: What is wrong.
            saved: The number of facts that the snapshot was made of.
            given: The number of facts that were handed in, where some were.
        """
        self.problem = problem
        self.saved = saved
        self.given = given
        hint = "pass the whole log of this journey, or replay it without the snapshot"
        super().__init__(problem, hint=hint, details={"saved": saved, "given": given})

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), saved=self.saved, given=self.given), (self.problem,)


class UnknownPlaybook(LeadlifeError, LookupError):
    """A log names a playbook that was not passed, or whose content has changed since."""

    code: ClassVar[str] = "unknown_playbook"


class FrozenValue(LeadlifeError, AttributeError):
    """An attribute of an immutable value was assigned or deleted."""

    code: ClassVar[str] = "frozen_value"

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.attribute = name
        super().__init__(f"{article(kind)} is immutable", hint=f"replace({name}=...) returns a changed copy")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.kind, self.attribute)


class StageConflict(LeadlifeError, RuntimeError):
    """An object of the host is in another stage than its journey."""

    code: ClassVar[str] = "stage_conflict"
    http_status: ClassVar[int] = 409


class UnknownLead(LeadlifeError, LookupError):
    """A store holds no such lead, or not in this pipeline."""

    code: ClassVar[str] = "unknown_lead"
    http_status: ClassVar[int] = 404


class LeadErased(LeadlifeError, LookupError):
    """The personal data of the lead were erased, so nothing more is recorded of it; a tombstone is left."""

    code: ClassVar[str] = "lead_erased"
    http_status: ClassVar[int] = 410


class VersionConflict(LeadlifeError, RuntimeError):
    """A lead was saved by somebody else since it was loaded; nothing was saved."""

    code: ClassVar[str] = "version_conflict"
    http_status: ClassVar[int] = 409


class KeyReused(LeadlifeError, ValueError):
    """An idempotency key was sent before, with another request; nothing was saved."""

    code: ClassVar[str] = "key_reused"
    http_status: ClassVar[int] = 422


class StoreUnavailable(LeadlifeError, RuntimeError):
    """A store cannot answer now: others use it, or its disk is full. Nothing was saved; trying again later helps."""

    code: ClassVar[str] = "store_unavailable"
    http_status: ClassVar[int] = 503


class Damaged(LeadlifeError, ValueError):
    """A stored row is not as it was written: its checksum does not fit, or what it holds cannot be read."""

    code: ClassVar[str] = "damaged"


class MissingExtra(LeadlifeError, ImportError):
    """An optional package is missing; the hint names the extra that installs it."""

    code: ClassVar[str] = "missing_extra"
