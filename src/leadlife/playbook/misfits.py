"""What a criterion asks that the declared types of fields and attributes can never answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from leadlife.criteria import Comparison, CountIs, Criterion, DateIs, FieldHas, FieldIs, LatestIs, SumIs
from leadlife.criteria.comparison import Comparing
from leadlife.errors import Fault, did_you_mean
from leadlife.leads import ActivityKind
from leadlife.playbook.fields import FieldSpec, FieldType

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
