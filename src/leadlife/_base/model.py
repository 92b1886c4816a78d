"""The frozen, strict base of every model, and the few constrained types that they share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic import ValidationError as _ValidationError
from pydantic_core import TzInfo

from leadlife._base.validation import restated
from leadlife._frozen import FrozenDict
from leadlife.errors import FrozenValue, InvalidDefinition, Malformed, article

LONGEST_ID = 300
LONGEST_TEXT = 10_000
_PLAIN = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+").fullmatch

EARLIEST = datetime(1678, 1, 1, tzinfo=UTC)
LATEST = datetime(2262, 1, 1, tzinfo=UTC)
"""Instants lie in the range that a nanosecond clock can hold, so that data frames can keep them."""

_LEFTOVERS = frozenset(
    (
        "construct",
        "copy",
        "dict",
        "from_orm",
        "json",
        "parse_file",
        "parse_obj",
        "parse_raw",
        "schema",
        "schema_json",
        "update_forward_refs",
        "validate",
    )
)
"""Deprecated names of pydantic 1, which would stand in every completion list."""
_INNER = frozenset(
    (
        "checked",
        "malformed",
        "model_computed_fields",
        "model_config",
        "model_construct",
        "model_extra",
        "model_fields",
        "model_fields_set",
        "model_json_schema",
        "model_parametrized_name",
        "model_post_init",
        "model_rebuild",
        "model_validate_strings",
    )
)
"""Names that work, and that only pydantic and this library have a use for."""
_NOT_SHOWN = _LEFTOVERS | _INNER

if TYPE_CHECKING:
    _ModelType = type
else:

    class _ModelType(type(BaseModel)):
        """Restates what pydantic finds as an error of ours, when a model is built by a call."""

        def __dir__(cls) -> list[str]:
            """Leave out what no user of a model looks for."""
            return [name for name in super().__dir__() if name not in _NOT_SHOWN]

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            if args:
                first = next(iter(cls.model_fields), "name")
                hint = f"write {cls.__name__}({first}=...)"
                raise cls.malformed(f"the values of {article(cls.__name__)} are given by name", hint=hint)
            try:
                return super().__call__(*args, **kwargs)
            except _ValidationError as error:
                raise restated(cls.malformed, cls.__name__, error, model=cls, data=kwargs) from None

        @property
        def __signature__(cls) -> Any:
            """The names and defaults of the fields, for ``help`` and notebooks.

            pydantic's own signature is empty until the model is built, and then shows every constraint at length.
            """
            return Signature(
                [
                    Parameter(
                        field.alias or name,
                        Parameter.KEYWORD_ONLY,
                        default=Parameter.empty
                        if field.is_required()
                        else field.get_default(call_default_factory=True),
                    )
                    for name, field in cls.model_fields.items()
                ]
            )

        @__signature__.setter
        def __signature__(cls, _pydantics: Any) -> None:
            """Keep nothing of what pydantic sets."""


if TYPE_CHECKING:
    _Base = BaseModel
else:

    class _Base(BaseModel, metaclass=_ModelType):
        # The first schema that is built makes pydantic look for plugins among all installed packages.
        model_config = ConfigDict(defer_build=True)


class Model(_Base):
    """A frozen value: strict types, no extra keys, finite numbers, no input in its errors."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        defer_build=True,
        validate_default=False,
        serialize_by_alias=True,
        validate_by_name=True,
        validate_by_alias=True,
    )
    malformed: ClassVar[type[Malformed]] = Malformed

    @classmethod
    def checked(cls, data: dict[str, Any]) -> Self:
        """Return the model that the data describe; the shortest way through pydantic.

        Raises:
            Malformed: The data do not fit, with every fault named.
        """
        try:
            return cls.__pydantic_validator__.validate_python(data)  # type: ignore[no-any-return]
        except _ValidationError as error:
            raise restated(cls.malformed, cls.__name__, error, model=cls, data=data) from None

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Return the model that a value describes; see pydantic. Faults are raised as ours."""
        try:
            return super().model_validate(obj, **options)
        except _ValidationError as error:
            raise restated(cls.malformed, cls.__name__, error, model=cls, data=obj) from None

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Return the model that a JSON text describes; see pydantic. Faults are raised as ours."""
        try:
            return super().model_validate_json(json_data, **options)
        except _ValidationError as error:
            data = None if error.errors()[0]["type"] == "json_invalid" else json.loads(json_data)
            raise restated(cls.malformed, cls.__name__, error, model=cls, data=data) from None

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            """Refuse a change in our words."""
            raise FrozenValue(type(self).__name__, name)

        def __delattr__(self, name: str) -> None:
            """Refuse a change in our words."""
            raise FrozenValue(type(self).__name__, name)

    def __dir__(self) -> list[str]:
        """Return what completion shows: what the value holds, and what a user does with it."""
        return [name for name in super().__dir__() if name not in _NOT_SHOWN]

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what was worked out and kept beside the fields: it is worked out again."""
        state: dict[str, Any] = super().__getstate__()
        fields = type(self).model_fields
        return {**state, "__dict__": {name: value for name, value in state["__dict__"].items() if name in fields}}

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; see pydantic. Nothing is validated, and nothing that was worked out before is kept."""
        copied = super().model_copy(update=update, deep=deep)
        fields = type(self).model_fields
        for name in [name for name in vars(copied) if name not in fields]:
            del vars(copied)[name]
        return copied

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, validated like any other value."""
        kept = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{**kept, **changes})


class Definition(Model):
    """A value that a person writes down: a stage, a lifecycle, a playbook, a mapping."""

    malformed: ClassVar[type[Malformed]] = InvalidDefinition


def _plain(at: datetime) -> datetime:
    """Return the instant of a subclass, such as the Timestamp of pandas, whose nanoseconds no log keeps."""
    date, time = (at.year, at.month, at.day), (at.hour, at.minute, at.second, at.microsecond)
    if not all(isinstance(part, int) for part in (*date, *time)):  # NaT is a datetime as well
        raise Malformed("an instant is missing", hint="leave out what has none")
    return datetime(*date, *time, tzinfo=at.tzinfo, fold=at.fold)


def utc(at: datetime) -> datetime:
    """Return an aware instant in UTC.

    Raises:
        Malformed: The datetime is naive, or outside the years 1678 to 2261.
    """
    if type(at) is not datetime:
        at = _plain(at)
    if at.tzinfo is UTC and EARLIEST <= at < LATEST:
        return at
    if type(at.tzinfo) is TzInfo and not at.utcoffset():
        # What pydantic reads from JSON. This is the fastest way of writing another name of the same zone, and instants
        # of one zone are compared much faster than those of two.
        at = datetime.combine(at, at.time(), UTC)
        if EARLIEST <= at < LATEST:
            return at
    try:
        naive, in_range = at.utcoffset() is None, at.tzinfo is None or EARLIEST <= at < LATEST
    except Exception:  # noqa: BLE001 - a time zone is code of the host
        raise Malformed("the time zone of an instant gives no offset", hint="use UTC, or a zoneinfo.ZoneInfo") from None
    if naive:
        raise Malformed("an instant needs a time zone", hint="give an aware datetime")
    if not in_range:
        raise Malformed("an instant lies in the years 1678 to 2261")
    return at.astimezone(UTC)


LAX: Any = Field(strict=False)
"""For tuples, which JSON and people write as lists, and for closed sets, which both write as text."""

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
Got_co = TypeVar("Got_co", covariant=True)
Given_contra = TypeVar("Given_contra", contravariant=True)


class Accepts(Generic[Got_co, Given_contra]):
    """What type checkers see of a field that takes more types than it holds, such as text for an enumeration.

    pydantic converts what it is given, and type checkers cannot know that. They do know descriptors: the constructor
    of a field whose type is one takes what ``__set__`` takes, and reading the field gives what ``__get__`` gives. So
    for type checkers such a field is this descriptor, and for pydantic it is what the ``else`` branches below define.
    """

    def __get__(self, instance: object, owner: Any) -> Got_co:
        raise NotImplementedError

    def __set__(self, instance: object, value: Given_contra) -> None:
        raise NotImplementedError


def _unchangeable(value: dict[Any, Any]) -> FrozenDict[Any, Any]:
    return FrozenDict(value)


K = TypeVar("K")
V_co = TypeVar("V_co", covariant=True)

if TYPE_CHECKING:
    MappingOf = Mapping[K, V_co]
    TupleOf = Accepts[tuple[T, ...], Iterable[T]]
    OneOf = Accepts[E, E | str]
else:

    class MappingOf:
        """A mapping that cannot be changed."""

        def __class_getitem__(cls, item: Any) -> Any:
            return Annotated[dict[item], AfterValidator(_unchangeable)]

    class TupleOf:
        """A tuple that may be given as a list."""

        def __class_getitem__(cls, item: Any) -> Any:
            return Annotated[tuple[item, ...], LAX]

    class OneOf:
        """A member of an enumeration that may be given as its text."""

        def __class_getitem__(cls, kind: Any) -> Any:
            return Annotated[kind, LAX]


def default(value: Any) -> Any:
    """Return the default of a field that :class:`Accepts` more than it holds; for type checkers it fits any."""
    return value


def _several(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, set | frozenset):
        return tuple(sorted(value, key=str))
    return tuple(value) if isinstance(value, list) else value


def read_json(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        Malformed: It is not JSON, or nested too deep.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("this is not JSON") from None


def op_of(value: object) -> str | None:
    """Return the tag that names which of several models a value is."""
    kind: object = value.get("op") if isinstance(value, dict) else getattr(value, "op", None)
    return kind if isinstance(kind, str) else None


def _in_order(value: dict[str, Any]) -> FrozenDict[str, Any]:
    if len(value) < 2 and isinstance(value, FrozenDict):  # noqa: PLR2004 - most activities have no attribute, or one
        return value
    return FrozenDict(sorted(value.items()))


SORTED: Any = AfterValidator(_in_order)
"""For mappings whose order means nothing: two that are equal are written alike."""


Instant = Annotated[AwareDatetime, AfterValidator(utc)]
"""An aware datetime, kept in UTC."""


def _from_iso(value: object) -> object:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


WrittenInstant = Annotated[Instant, BeforeValidator(_from_iso)]
"""An instant of a definition, which plain values hold as ISO text."""

Name = Annotated[str, StringConstraints(pattern=r"^\w(?:[\w .:/&+\-]*[\w.+\-])?$", max_length=100)]
"""A word of the playbook: a stage, a trigger, an activity kind, a field, a reason."""

Id = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=LONGEST_ID)]
"""An identifier that the host chooses: any text without control characters."""


Label = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=LONGEST_ID)]
"""The name of an attribute, as a form has it: any text without control characters, such as ``Budget (EUR)``."""


def identifier(text: Any) -> str:
    """Return a text that may serve as an :data:`Id`, without the cost of a model.

    Raises:
        Malformed: It is not text, empty, too long, or holds control characters.
    """
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST_ID or not (text.isprintable() or _PLAIN(text)):
        raise Malformed(f"an id is text of 1 to {LONGEST_ID} characters without control characters")
    return text if type(text) is str else str.__str__(text)  # a member of a StrEnum is its text, as in facts


Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT)]
"""Free text."""

if TYPE_CHECKING:
    Names = Accepts[tuple[str, ...], str | Iterable[str]]
else:
    Names = Annotated[tuple[Name, ...], BeforeValidator(_several)]
"""One name or several."""
