"""And, or, not: criteria made of criteria, after Kleene; and what may guard a move."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from leadlife._model import LAX
from leadlife.criteria.condition import Condition
from leadlife.criteria.leaves import ByRole, CountIs, FieldIs, HasEvidence, IsIdentified, IsSold, Opaque
from leadlife.criteria.view import Verdict, View
from leadlife.errors import Malformed

MOST_NODES = 200
MOST_LEVELS = 40


class AllOf(Condition):
    """True when all parts are true, false when one is false, else unknown."""

    op: Literal["and"] = "and"
    of: Annotated[tuple[Criterion, ...], LAX, Field(min_length=1)]

    def test(self, view: View) -> bool | None:
        """Return Kleene's conjunction of the parts."""
        known: bool | None = True
        for part in self.of:
            value = part.test(view)
            if value is False:
                return False
            if value is None:
                known = None
        return known

    def sentence(self) -> str:
        """Return the parts, joined by and."""
        return " and ".join(_bracketed(part, AnyOf) for part in self.of)

    def judge(self, view: View) -> Verdict:
        """Return the answer with the parts' answers."""
        return _joined(self, view)

    def parts(self) -> tuple[Condition, ...]:
        """Return the parts."""
        return self.of


class AnyOf(Condition):
    """True when one part is true, false when all are false, else unknown."""

    op: Literal["or"] = "or"
    of: Annotated[tuple[Criterion, ...], LAX, Field(min_length=1)]

    def test(self, view: View) -> bool | None:
        """Return Kleene's disjunction of the parts."""
        known: bool | None = False
        for part in self.of:
            value = part.test(view)
            if value is True:
                return True
            if value is None:
                known = None
        return known

    def sentence(self) -> str:
        """Return the parts, joined by or."""
        return " or ".join(_bracketed(part, AllOf) for part in self.of)

    def judge(self, view: View) -> Verdict:
        """Return the answer with the parts' answers."""
        return _joined(self, view)

    def parts(self) -> tuple[Condition, ...]:
        """Return the parts."""
        return self.of


class Not(Condition):
    """True when the part is false, false when it is true, unknown when it is unknown."""

    op: Literal["not"] = "not"
    of: Criterion

    def test(self, view: View) -> bool | None:
        """Return Kleene's negation of the part."""
        value = self.of.test(view)
        return None if value is None else not value

    def sentence(self) -> str:
        """Return the negation in words."""
        return f"not ({self.of.sentence()})"

    def judge(self, view: View) -> Verdict:
        """Return the answer with the part's answer."""
        return _joined(self, view)

    def parts(self) -> tuple[Condition, ...]:
        """Return the part."""
        return (self.of,)


def _bracketed(part: Condition, other: type[Condition]) -> str:
    return f"({part.sentence()})" if isinstance(part, other) else part.sentence()


def _joined(whole: Condition, view: View) -> Verdict:
    parts = tuple(part.judge(view) for part in whole.parts())
    changes = min((part.changes_at for part in parts if part.changes_at is not None), default=None)
    facts = tuple(dict.fromkeys(fact for part in parts for fact in part.facts))
    return Verdict(whole.sentence(), whole.test(view), facts, changes, parts)


def _kind_of(value: Any) -> str | None:
    kind = value.get("op") if isinstance(value, dict) else getattr(value, "op", None)
    return kind if isinstance(kind, str) else None


Criterion = Annotated[
    Annotated[FieldIs, Tag("field")]
    | Annotated[CountIs, Tag("count")]
    | Annotated[HasEvidence, Tag("evidence")]
    | Annotated[IsIdentified, Tag("identified")]
    | Annotated[IsSold, Tag("sold")]
    | Annotated[ByRole, Tag("role")]
    | Annotated[AllOf, Tag("and")]
    | Annotated[AnyOf, Tag("or")]
    | Annotated[Not, Tag("not")]
    | Annotated[Opaque, Tag("opaque")],
    Discriminator(_kind_of),
]
"""Any criterion."""


def _as_guard(value: Any) -> Any:
    if isinstance(value, Condition):
        return value
    if isinstance(value, str):
        raise Malformed(
            "a guard is a criterion or a callable, never text",
            hint="nothing in a definition is imported or evaluated",
        )
    if not callable(value):
        return value
    name = getattr(value, "__name__", "")
    if not name or name == "<lambda>":
        raise Malformed("a guard that is a callable needs a name", hint="define it with def, or use Opaque(name=...)")
    return Opaque(name=name, call=value)


def _bounded(criterion: Condition) -> Condition:
    waiting: list[tuple[Condition, int]] = [(criterion, 1)]
    nodes = 0
    while waiting:
        node, level = waiting.pop()
        nodes += 1
        if nodes > MOST_NODES or level > MOST_LEVELS:
            raise Malformed(f"a criterion has at most {MOST_NODES} nodes and {MOST_LEVELS} levels")
        waiting.extend((part, level + 1) for part in node.parts())
    return criterion


Guard = Annotated[Criterion, BeforeValidator(_as_guard), AfterValidator(_bounded)]
"""A criterion that guards a move. A named callable is taken as an :class:`Opaque` one."""


def leaves_of(criterion: Condition) -> Iterator[Condition]:
    """Yield the criteria in a criterion that have no parts, left to right."""
    if not criterion.parts():
        yield criterion
    for part in criterion.parts():
        yield from leaves_of(part)
