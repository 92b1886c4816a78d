"""A list that grows at one end and shares its past, so that a new version costs the same however long the list is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class PersistentList(Generic[T]):
    """One item and the list before it. Immutable: two lists may share one past.

    Attributes:
        item: The newest item.
        before: The list without it; None where this is the first item.
        first: The oldest item.
        size: How many items there are.
    """

    __slots__ = ("before", "first", "item", "size")

    def __init__(self, item: T, before: PersistentList[T] | None) -> None:
        self.item: T = item
        self.before: PersistentList[T] | None = before
        self.first: T = item if before is None else before.first
        self.size: int = 1 if before is None else before.size + 1

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickle would follow the links one by one and run out of stack, so the items are handed over as one tuple.
        return persistent_list, (oldest_first(self),)


def persistent_list(items: Iterable[T]) -> PersistentList[T] | None:
    """Return a persistent list of items that are given oldest first; None where there are none."""
    made: PersistentList[T] | None = None
    for item in items:
        made = PersistentList(item, made)
    return made


def newest_first(items: PersistentList[T] | None) -> Iterator[T]:
    """Yield the items, the newest first."""
    while items is not None:
        yield items.item
        items = items.before


def oldest_first(items: PersistentList[T] | None) -> tuple[T, ...]:
    """Return the items in the order in which they were added."""
    return tuple(newest_first(items))[::-1]
