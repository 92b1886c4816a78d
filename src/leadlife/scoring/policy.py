"""What every declared policy is: a value that scores, says what it reads, and has a JSON form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Protocol, Self

from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny, ValidationInfo, model_validator

from leadlife._base.model import SORTED, Definition, Name, Text, read_json
from leadlife.criteria import AnyCriterion, BandIs, Comparison, Criterion, Observation, Scalar, ScoreIs, View, leaves_of
from leadlife.errors import Fault, InvalidDefinition, Malformed, did_you_mean, suggestion
from leadlife.leads import Activity, Lead, Source
from leadlife.scoring import MICRO, Lift, Score, rank
from leadlife.scoring import micropoints as as_micropoints
from leadlife.scoring.view import LeadView
from leadlife.timing import Zone

LARGEST = 1_000_000
_UPWARD = (Comparison.GE, Comparison.GT, Comparison.EQ)
_DOWNWARD = (Comparison.LE, Comparison.LT, Comparison.EQ)
MOST_LEVELS = 40


class PolicyView(View, Protocol):
    """What policies read: what criteria read, and the lead itself."""

    @property
    def lead(self) -> Lead:
        """The lead, for custom policies."""
        ...

    @property
    def fields(self) -> Mapping[str, Scalar]:
        """The value of each field."""
        ...

    @property
    def source(self) -> Source | None:
        """Where the running cycle comes from."""
        ...

    @property
    def history(self) -> tuple[Activity, ...]:
        """Every activity as an object, oldest first, for custom policies."""
        ...

    @property
    def keeps_reports(self) -> bool:
        """Whether the scores of policies outside the journey are remembered."""
        ...

    def reported(self, policy: str, version: str) -> Observation | None:
        """The latest score that was reported for a policy."""
        ...

    def in_zone(self, name: str) -> PolicyView:
        """The same view by the calendar of another zone."""
        ...

    def adding(self, activity: Activity) -> PolicyView:
        """The view of a lead that did one thing more."""
        ...


class Policy(Definition):
    """A scoring policy that is data: it holds no code, and its JSON is the same policy."""

    name: Name
    version: Name = "1"
    zone: Zone | None = None
    """The zone whose days and months it counts; by default the playbook's, else UTC."""
    meaning: Text = ""

    @model_validator(mode="after")
    def _shallow(self) -> Self:
        if type(self) is Policy:
            raise Malformed("a policy is of some kind", hint="Points, Fit, Grid, ... in leadlife.scoring")
        if self._levels > MOST_LEVELS:
            raise Malformed(f"a policy is made of at most {MOST_LEVELS} levels of policies")
        return self

    @cached_property
    def _levels(self) -> int:
        return 1 + max((part._levels for part in self.parts()), default=0)  # noqa: SLF001 - its own kind

    def score(self, lead: Lead, activities: Iterable[Activity], *, at: datetime) -> Score:
        """Return the score of a lead at an instant; activities after it have no effect.

        Raises:
            Malformed: The lead, an activity or the instant cannot be understood.
            PolicyError: A function or an object of one's own broke.
        """
        return self.assess(LeadView(lead, activities, at))

    def value(self, lead: Lead, activities: Iterable[Activity], *, at: datetime) -> float:
        """Return the value of :meth:`score` alone, without a ledger where the policy can spare one.

        Raises:
            Malformed: As :meth:`score`.
            PolicyError: As :meth:`score`.
        """
        return self.score(lead, activities, at=at).value

    def assess(self, view: PolicyView) -> Score:
        """Return the score of a lead as it is seen, by this policy's own calendar if it has one."""
        return self._assess(self._own(view))

    def _own(self, view: PolicyView) -> PolicyView:
        return view if self.zone is None else view.in_zone(self.zone)

    def _assess(self, view: PolicyView) -> Score:
        raise NotImplementedError

    def parts(self) -> tuple[Policy, ...]:
        """Return the policies that this one is made of."""
        return ()

    def criteria(self) -> Iterator[tuple[str, Criterion]]:
        """Yield every criterion of its own, with its path."""
        yield from ()

    def reads(self) -> Iterator[tuple[str, str, str]]:
        """Yield what its own rules read, as triples such as ``("rules.0.when", "field", "employees")``.

        A ``number`` is a field that must hold one.
        """
        for path, criterion in self.criteria():
            for sort, name in criterion.inputs():
                yield path, sort, name

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield what the score depends on, as pairs such as ``("field", "employees")``; ``*`` stands for any."""
        for _, sort, name in self.reads():
            yield "field" if sort == "number" else sort, name
        for part in self.parts():
            yield from part.inputs()

    @property
    def declares_all(self) -> bool:
        """Whether :meth:`inputs` names all that the score depends on; code of one's own cannot say."""
        return all(part.declares_all for part in self.parts())

    def summary_of(self, view: View) -> Score | None:  # noqa: ARG002 - a policy that has no shorter way
        """Return the score with its lines summed up in one, where that is much faster; None where it is not.

        Value, band and what time will do are those of :meth:`assess`; only the ledger is missing.
        """
        return None

    def examples(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield kinds of activity, with attributes, that it may reward: the candidates for a :class:`Lift`."""
        for _, criterion in self.criteria():
            for leaf in leaves_of(criterion):
                yield from _examples_of(leaf)
        for part in self.parts():
            yield from part.examples()

    def limits(self) -> tuple[int | None, int | None]:
        """Return the least and the most micropoints that it can give; None where there is no bound."""
        return None, None

    def band_names(self) -> tuple[str, ...]:
        """Return its bands, the lowest first."""
        raise NotImplementedError

    def faults_in(self, criterion: ScoreIs | BandIs, *, path: str = "") -> Iterator[Fault]:
        """Yield what a criterion asks of this policy's scores that they can never be."""
        if isinstance(criterion, BandIs):
            bands = self.band_names()
            if criterion.value not in bands:
                told = f"score {self.name!r} has no band {criterion.value!r}"
                yield Fault(path, told, did_you_mean(criterion.value, bands))
            elif bands and (criterion.compare, criterion.value) in (
                (Comparison.GT, bands[-1]),
                (Comparison.LT, bands[0]),
            ):
                end = "above" if criterion.compare is Comparison.GT else "below"
                yield Fault(path, f"score {self.name!r} has no band {end} {criterion.value!r}")
            return
        low, high = self.limits()
        wanted, strict = criterion.value * MICRO, criterion.compare in (Comparison.GT, Comparison.LT)
        told = f"score {self.name!r} is compared with {criterion.value:g}, but is at"
        if high is not None and criterion.compare in _UPWARD and (wanted > high or (strict and wanted == high)):
            yield Fault(path, f"{told} most {high / MICRO:g}")
        if low is not None and criterion.compare in _DOWNWARD and (wanted < low or (strict and wanted == low)):
            yield Fault(path, f"{told} least {low / MICRO:g}")

    def lift(
        self, lead: Lead, activities: Iterable[Activity], *, at: datetime, kinds: Iterable[str] = ()
    ) -> Lift | None:
        """Return the single added activity that would lift the band at this instant, if one would.

        Of several, the one that adds the least: the nearest step.

        Args:
            lead: The lead.
            activities: What it did so far.
            at: The instant, which is also that of the added activity.
            kinds: Kinds to try besides those that the rules reward; a function of one's own names none itself.

        Raises:
            Malformed: As :meth:`score`.
            PolicyError: As :meth:`score`.
        """
        return self.lift_of(LeadView(lead, activities, at), kinds=kinds)

    def lift_of(self, view: PolicyView, *, kinds: Iterable[str] = ()) -> Lift | None:
        """Return :meth:`lift` of a lead as it is seen."""
        candidates = [*self.examples(), *((kind, dict[str, Any]()) for kind in several(kinds))]
        now = self.assess(view)
        tried: list[tuple[int, str, Lift]] = []
        for kind, attributes in candidates:
            extra = Activity(kind=kind, at=view.at, attributes=dict(attributes))
            then = self.assess(view.adding(extra))
            if then.band is not None and then.bands == now.bands and rank(then) > rank(now):
                tried.append((then.micropoints, repr((kind, attributes)), Lift(extra, then.band)))
        return min(tried, key=lambda one: one[:2])[2] if tried else None

    def renamed(self, score: Score, **changes: Any) -> Score:
        """Return another policy's score as this one's own."""
        return replace(score, policy=self.name, version=self.version, **changes)


def _examples_of(leaf: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    where = getattr(leaf, "where", {})
    for kind in getattr(leaf, "kinds", ()):
        yield kind, example(where)


def example(where: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes that match, where one value shows it."""
    return {name: match.example() for name, match in where.items()}


_SEEN = {"field", "activity", "identified"}


def _of_the_lead(criterion: Criterion) -> Criterion:
    for leaf in leaves_of(criterion):
        for sort, name in leaf.inputs():
            if sort not in _SEEN:
                raise Malformed(
                    f"a policy sees the lead's fields and activities, not the {sort} {name}".rstrip(),
                    hint="ask for it where the score is used, in a guard",
                )
        if getattr(leaf, "since_recycling", False):
            raise Malformed("a policy knows no recycling", hint="ask for it where the score is used, in a guard")
    return criterion


Question = Annotated[AnyCriterion, AfterValidator(_of_the_lead)]
"""A criterion about the fields and activities of a lead: all that a policy sees."""


def _points(value: object) -> object:
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed("points are a number")
    exact = as_micropoints(value)
    if isinstance(value, float) and abs(value * MICRO - exact) > 1e-3:  # noqa: PLR2004 - what a float cannot hold
        raise Malformed("points have at most six decimals")
    if abs(exact) > LARGEST * MICRO:
        raise Malformed(f"points lie between -{LARGEST:,} and {LARGEST:,}")
    return exact // MICRO if exact % MICRO == 0 else exact / MICRO


Amount = Annotated[int | float, BeforeValidator(_points)]
"""A number of points with at most six decimals, so that it is a whole number of micropoints."""


def _distinct(bands: dict[str, Any]) -> dict[str, Any]:
    if len(set(bands.values())) < len(bands):
        raise Malformed("two bands begin at the same number of points")
    return bands


Bands = Annotated[dict[Name, Amount], AfterValidator(_distinct), SORTED]
"""Each band, or grade, and the least points that it takes; below the lowest there is none."""


def band_faults(bands: Mapping[str, float], low: int | None, high: int | None) -> Iterator[Fault]:
    """Yield a fault for each band above the most, or all of it below the least, that a policy can give."""
    cuts = sorted((as_micropoints(least), name) for name, least in bands.items())
    for place, (cut, name) in enumerate(cuts):
        if high is not None and cut > high:
            told = f"begins at {bands[name]:g}, above the most that the policy gives: {high / MICRO:g}"
            yield Fault(f"bands.{name}", f"band {name!r} {told}", "lower the threshold or raise the cap")
        if low is not None and place + 1 < len(cuts) and cuts[place + 1][0] <= low:
            yield Fault(f"bands.{name}", f"band {name!r} can never be: the policy gives at least {low / MICRO:g}")


def as_mapping(what: str, value: Any) -> Mapping[Any, Any]:
    """Return a mapping as it is.

    Raises:
        InvalidDefinition: It is none.
    """
    if not isinstance(value, Mapping):
        raise InvalidDefinition(f"{what} are a mapping by name")
    return value


def several(names: Any) -> tuple[str, ...]:
    """Return one name, or several, as a tuple.

    Raises:
        Malformed: These are no names.
    """
    if isinstance(names, str):
        return (names,)
    found = tuple(names) if isinstance(names, Iterable) else (names,)
    if not all(isinstance(name, str) for name in found):
        raise Malformed("names are text")
    return found


class Banded(Policy):
    """A policy with bands of its own, all of whose faults are told together when it is declared."""

    bands: Bands = Field(default_factory=dict[str, float])

    @model_validator(mode="after")
    def _sound(self) -> Self:
        faults = tuple(self._faults())
        if faults:
            raise InvalidDefinition("the policy has faults", faults=faults)
        return self

    def _faults(self) -> Iterator[Fault]:
        yield from band_faults(self.bands, *self.limits())

    def band_names(self) -> tuple[str, ...]:
        """Return its bands, the lowest first."""
        return tuple(sorted(self.bands, key=self.bands.__getitem__))


def as_policy(value: Any) -> Any:
    """Return a policy from what people write: a policy, its data, a named function, or an object that scores.

    Raises:
        Malformed: It is none of these.
    """
    if isinstance(value, Policy):
        return value
    if isinstance(value, Mapping):
        return read_policy(value)
    return _kinds()["custom_policy"].of(value)  # type: ignore[attr-defined]


def _kinds() -> dict[str, type[Policy]]:
    from leadlife.scoring.policy_kinds import kinds_of_policy  # noqa: PLC0415 - a policy may be made of any of them

    return kinds_of_policy()


def read_policy(data: Mapping[str, Any] | str | bytes, *, policies: Mapping[str, Any] | None = None) -> Policy:
    """Return the policy that plain values, or a JSON text, describe: what ``policy.model_dump(mode="json")`` gave.

    Args:
        data: The policy.
        policies: Functions and objects of one's own by name: those that are in it are bound to them, however deep.

    Raises:
        InvalidDefinition: It is no policy, with every fault named.
    """
    plain = read_json(data) if isinstance(data, str | bytes) else data
    if not isinstance(plain, Mapping):
        raise InvalidDefinition("this is no policy", hint="give a mapping of its keys, or its JSON")
    if _too_deep(plain):
        raise InvalidDefinition(f"a policy is made of at most {MOST_LEVELS} levels of policies")
    return _read(plain, {"policies": policies or {}})


def _read(data: Mapping[str, Any], context: Any) -> Policy:
    op, kinds = data.get("op"), _kinds()
    if not isinstance(op, str) or op not in kinds:
        near = suggestion(op, kinds) if isinstance(op, str) else None
        hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(kinds)}"
        raise InvalidDefinition("the op of a policy names its kind", hint=hint)
    return kinds[op].model_validate(dict(data), context=context)


def _too_deep(data: Any) -> bool:
    waiting, most = [(data, 0)], 8 * MOST_LEVELS
    while waiting:
        value, level = waiting.pop()
        if level > most:
            return True
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        waiting += [(one, level + 1) for one in inner]
    return False


def as_part(value: Any, info: ValidationInfo | None) -> Any:
    """Return a policy from what people write; what is read from data is bound to what the reader was given."""
    if isinstance(value, Mapping) and info is not None and info.context is not None and not _too_deep(value):
        return _read(value, info.context)
    return as_policy(value)


Part = Annotated[SerializeAsAny[Policy], BeforeValidator(as_part)]
"""A policy within a policy or a playbook. A named function, or an object that scores, is bound by name and version."""

Scoring = Callable[..., Any]
"""A function of one's own: ``(lead, activities, *, at)`` to a number, or to points by reason; None says nothing."""
