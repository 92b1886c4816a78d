"""What a criterion asks that the declared types of fields and attributes can never answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from leadlife.criteria import (
    Comparison,
    CountIs,
    Criterion,
    CustomGuard,
    DateIs,
    FieldHas,
    FieldIs,
    LatestIs,
    SumIs,
    leaves_of,
)
from leadlife.criteria.comparison import Comparing
from leadlife.errors import Fault, did_you_mean
from leadlife.leads import ActivityKind
from leadlife.playbook.fields import FieldSpec, FieldType

if TYPE_CHECKING:
    from leadlife.scoring.policy import Policy

_NUMERIC = (FieldType.INTEGER, FieldType.NUMBER)
_TEXTUAL = (Comparison.CONTAINS, Comparison.STARTS, Comparison.ENDS)
_EXACT = (Comparison.EQ, Comparison.NE, Comparison.IN)


def field_misfits(path: str, leaf: Criterion, fields: Mapping[str, FieldSpec]) -> Iterator[Fault]:
    """Yield what a criterion asks about a declared field that its type or its choices rule out."""
    if not isinstance(leaf, FieldIs | FieldHas | DateIs) or leaf.name not in fields:
        return
    spec, what = fields[leaf.name], f"field {leaf.name!r}"
    if isinstance(leaf, FieldIs):
        yield from _misfits(path, what, leaf, spec.type)
        if spec.choices and leaf.compare in _EXACT and not set(leaf.values()) <= set(spec.choices):
            choices = ", ".join(map(str, spec.choices))
            yield Fault(path, f"{what} never has this value", f"its choices are: {choices}")
    elif isinstance(leaf, FieldHas):
        if spec.type is not FieldType.TEXT:
            yield Fault(path, f"{what} is {spec.type.words}; only text holds several values")
    elif spec.type is not FieldType.DATE:
        yield Fault(path, f"{what} is {spec.type.words}; only a date lies before or after the present day")


def attribute_misfits(path: str, leaf: Criterion, kinds: Mapping[str, ActivityKind]) -> Iterator[Fault]:
    """Yield what a criterion asks about the attributes of an activity that its kind does not declare so."""
    if isinstance(leaf, LatestIs):
        yield from _attribute(path, leaf.attribute, leaf, leaf.kind, kinds)
    if isinstance(leaf, CountIs | SumIs):
        for kind in leaf.kinds:
            for name, match in leaf.where.items():
                yield from _attribute(f"{path}.where" if path else "where", name, match, kind, kinds)
            if isinstance(leaf, SumIs):
                yield from _summed(path, leaf.attribute, kind, kinds)


def _attribute(
    path: str, name: str, asked: Comparing | None, kind: str, kinds: Mapping[str, ActivityKind]
) -> Iterator[Fault]:
    declared = kinds[kind].attributes if kind in kinds else {}
    if declared and name not in declared:
        yield Fault(path, f"activity {kind!r} has no attribute {name!r}", did_you_mean(name, declared))
    elif declared and asked is not None:
        yield from _misfits(path, f"attribute {name!r} of {kind!r}", asked, declared[name])


def _summed(path: str, name: str, kind: str, kinds: Mapping[str, ActivityKind]) -> Iterator[Fault]:
    yield from _attribute(path, name, None, kind, kinds)
    declared = kinds[kind].attributes.get(name) if kind in kinds else None
    if declared is not None and declared not in _NUMERIC:
        yield Fault(path, f"attribute {name!r} of {kind!r} is {declared.words}, and a sum needs numbers")


def _misfits(path: str, what: str, asked: Comparing, declared: FieldType) -> Iterator[Fault]:
    if asked.compare in _TEXTUAL and declared is not FieldType.TEXT:
        yield Fault(path, f"{what} is {declared.words}; only text contains, starts or ends with a text")
    elif asked.compare not in _TEXTUAL and not all(map(declared.accepts, asked.values())):
        yield Fault(path, f"{what} is {declared.words}, and the value compared with it is not")


def guard_namesakes(criteria: Iterable[tuple[str, Criterion]]) -> Iterator[Fault]:
    """Yield a fault for each function that has the name of another: a file keeps only the name."""
    first: dict[tuple[str, str], Any] = {}
    for path, criterion in criteria:
        for leaf in leaves_of(criterion):
            if isinstance(leaf, CustomGuard) and leaf.call is not None:
                key = leaf.name, leaf.version
                if first.setdefault(key, leaf.call) != leaf.call:
                    message = f"guard {leaf.name!r} is already the name of another function"
                    yield Fault(path, message, "rename one of the functions, or give it another version")


def policy_namesakes(policies: Iterable[Policy]) -> Iterator[Fault]:
    """Yield a fault for each custom policy that has the name and version of another function, however deep it is."""
    first: dict[tuple[str, str], Any] = {}
    waiting = [(f"scores.{place}", policy) for place, policy in enumerate(policies)]
    while waiting:
        path, policy = waiting.pop(0)
        waiting += [(path, part) for part in policy.parts()]
        call = getattr(policy, "call", None)
        if call is not None and first.setdefault((policy.name, policy.version), call) != call:
            message = f"policy {policy.name!r} is already the name of another function"
            yield Fault(path, message, "rename one of the functions, or give it another version")
