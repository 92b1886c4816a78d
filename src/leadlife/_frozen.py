"""A dictionary that cannot be changed, for the mappings inside frozen values."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class FrozenDict(dict[K, V]):
    """A dictionary that refuses every change, and so has a hash if its values have one. It pickles and copies.

    It is a ``dict``, so that ``json``, pydantic and everything else that wants one take it; ``dict(value)`` and
    ``{**value}`` give a copy that can be changed.
    """

    __slots__ = ()

    def __new__(cls, *args: Any, **entries: Any) -> FrozenDict[K, V]:
        """Fill the dictionary here and not in ``__init__``, which anybody could call again."""
        new: FrozenDict[K, V] = dict.__new__(cls)
        dict.__init__(new, *args, **entries)
        return new

    def __init__(self, *args: Any, **entries: Any) -> None:
        """Leave the dictionary as it is."""

    def _refuse(self, *_args: object, **_changes: object) -> NoReturn:
        raise TypeError("this mapping is part of a frozen value and cannot be changed: dict(...) gives a copy that can")

    if not TYPE_CHECKING:
        __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        # By default a dictionary is filled entry by entry when it is unpickled, which it would refuse.
        return type(self), (dict(self),)

    def __copy__(self) -> FrozenDict[K, V]:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenDict[K, V]:
        return type(self)({key: deepcopy(value, memo) for key, value in self.items()})


def frozen(value: Any) -> Any:
    """Return plain values in which no list and no dictionary can be changed, at any depth."""
    if isinstance(value, dict):
        return FrozenDict({key: frozen(one) for key, one in value.items()})
    return tuple(frozen(one) for one in value) if isinstance(value, list | tuple) else value
