"""Renaming a stage: every value that names it, however deep it is, is made anew with the new name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, runtime_checkable

from leadlife._base.model import Model

T = TypeVar("T")


@runtime_checkable
class NamesStages(Protocol):
    """A value that names stages itself: a criterion, a transition, a learned table."""

    def stages_renamed(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return its fields that name a stage, with the new names by the old ones."""
        ...


def with_stages_renamed(value: T, names: Mapping[str, str]) -> T:
    """Return a value in which stages have new names; what names none of them stays the same object.

    Args:
        value: A definition, or a tuple or mapping of some.
        names: The new name of each renamed stage, by its old name.
    """
    return _renamed(value, names)  # type: ignore[no-any-return]


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Model):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        changed = {name: _renamed(inner, names) for name, inner in fields.items()}
        if isinstance(value, NamesStages):
            changed |= value.stages_renamed(names)
        different = {name: inner for name, inner in changed.items() if inner is not fields[name]}
        return value.replace(**different) if any(fields[one] != new for one, new in different.items()) else value
    if isinstance(value, tuple):
        items = tuple(_renamed(inner, names) for inner in value)
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    if isinstance(value, Mapping):
        pairs = {name: _renamed(inner, names) for name, inner in value.items()}
        return pairs if any(pairs[name] is not inner for name, inner in value.items()) else value
    return value
