"""The base of every declared policy: a value that scores leads, lists what it reads, and has a JSON form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from operator import itemgetter
from typing import Annotated, Any, Protocol, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from leadlife._base.model import Definition, MappingOf, Name, Text
from leadlife._frozen import FrozenDict
from leadlife.criteria import AnyCriterion, BandIs, Comparison, Criterion, Observation, Scalar, ScoreIs, View, leaves_of
from leadlife.errors import Fault, InvalidDefinition, Malformed, did_you_mean
from leadlife.leads import Activity, Lead, Source
from leadlife.scoring import MICRO, Lift, Score, rank
from leadlife.scoring import micropoints as as_micropoints
from leadlife.scoring.score_bounds import NearScore
from leadlife.scoring.view import LeadView
from leadlife.timing import Zone

LARGEST = 1_000_000
"""The largest number of points of one rule, cap or band."""
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
        """The source of the present cycle."""
        ...

    @property
    def history(self) -> tuple[Activity, ...]:
        """All activities as objects, the oldest first, for custom policies."""
        ...

    @property
    def keeps_reports(self) -> bool:
        """Whether the view knows scores that were reported from outside; only a journey does."""
        ...

    def reported(self, policy: str, version: str) -> Observation | None:
        """The latest score that was reported for a policy."""
        ...

    def in_zone(self, name: str) -> PolicyView:
        """The same view with the calendar of another zone."""
        ...

    def adding(self, activity: Activity) -> PolicyView:
        """The same view with one more activity."""
        ...


class Policy(Definition):
    """A scoring policy that is data: it holds no code, and its JSON form is the same policy."""

    name: Name
    version: Name = "1"
    zone: Zone | None = None
    """The zone of its days and months; by default the playbook's zone, outside a playbook UTC."""
    meaning: Text = ""

    @model_validator(mode="after")
    def _shallow(self) -> Self:
        if type(self) is Policy:
            raise Malformed("Policy is a base class", hint="use Points, Fit, Grid, ... of leadlife.scoring")
        if self._levels > MOST_LEVELS:
            raise Malformed(f"policies may be nested at most {MOST_LEVELS} levels deep", hint="flatten the policy")
        return self

    @cached_property
    def _levels(self) -> int:
        # A part was counted when it was built, so this never recurses deeper than one level.
        return 1 + max((part._levels for part in self.parts()), default=0)  # noqa: SLF001 - its own kind

    def score(self, lead: Lead, activities: Iterable[Activity], *, at: datetime) -> Score:
        """Return the score of a lead at an instant; later activities have no effect.

        Raises:
            Malformed: The lead is not a Lead, an activity is not an Activity, or the instant is not an aware datetime.
            PolicyError: A custom policy raised, or did not give a valid score.
        """
        return self.assess(LeadView(lead, activities, at))

    def value(self, lead: Lead, activities: Iterable[Activity], *, at: datetime) -> float:
        """Return the value of :meth:`score`, without building its lines if the policy can do without them.

        Raises:
            Malformed: As :meth:`score`.
            PolicyError: As :meth:`score`.
        """
        return self.score(lead, activities, at=at).value

    def assess(self, view: PolicyView) -> Score:
        """Return the score of the lead that a view shows, with the calendar of this policy's zone if it has one."""
        return self._assess(self._own(view))

    def _own(self, view: PolicyView) -> PolicyView:
        return view if self.zone is None else view.in_zone(self.zone)

    def _assess(self, view: PolicyView) -> Score:
        raise NotImplementedError

    def parts(self) -> tuple[Policy, ...]:
        """Return the policies that this one is made of."""
        return ()

    def criteria(self) -> Iterator[tuple[str, Criterion]]:
        """Yield each criterion of this policy, without those of its parts, with its path."""
        yield from ()

    def reads(self) -> Iterator[tuple[str, str, str]]:
        """Yield what this policy reads, without its parts: ``("rules.0.when", "field", "employees")``.

        Each is a path, a topic and a name. The topic ``number`` is a field that must be a number.
        """
        for path, criterion in self.criteria():
            for topic, name in criterion.inputs():
                yield path, topic, name

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Yield what the score depends on, as pairs of topic and name: ``("field", "employees")``; ``*`` means any."""
        for _, topic, name in self.reads():
            yield "field" if topic == "number" else topic, name
        for part in self.parts():
            yield from part.inputs()

    @property
    def declares_all(self) -> bool:
        """Whether :meth:`inputs` lists all that the score depends on; for custom code this is not known."""
        return all(part.declares_all for part in self.parts())

    def rises(self) -> Mapping[str, int] | None:
        """Return the most micropoints by which one more activity of each kind may raise the score; other kinds do not.

        None if an activity may lower the score, if time may raise it between two of its exact changes, or if neither is
        known.
        """
        return None

    def summary_of(self, view: View) -> Score | NearScore | None:  # noqa: ARG002 - most policies have no shorter way
        """Return the score with all lines summed up in one, if that is much faster than :meth:`assess`; else None.

        All other attributes are the same as those of :meth:`assess`, or bounds of them where it is a ``NearScore``.
        """
        return None

    def examples(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield activity kinds, with attributes, that may raise the score: the candidates for a ``Lift``."""
        for _, criterion in self.criteria():
            for leaf in leaves_of(criterion):
                yield from _examples_of(leaf)
        for part in self.parts():
            yield from part.examples()

    def limits(self) -> tuple[int | None, int | None]:
        """Return the least and the greatest micropoints that the policy can give; None means that there is no bound."""
        return None, None

    def band_names(self) -> tuple[str, ...]:
        """Return the names of the bands, the lowest first."""
        raise NotImplementedError

    def faults_in(self, criterion: ScoreIs | BandIs, *, path: str = "") -> Iterator[Fault]:
        """Yield a fault if a criterion compares the scores of this policy with a value that they cannot have."""
        if isinstance(criterion, BandIs):
            bands = self.band_names()
            if criterion.value not in bands:
                message = f"score {self.name!r} has no band {criterion.value!r}"
                yield Fault(path, message, did_you_mean(criterion.value, bands))
            elif bands and (criterion.compare, criterion.value) in (
                (Comparison.GT, bands[-1]),
                (Comparison.LT, bands[0]),
            ):
                end = "above" if criterion.compare is Comparison.GT else "below"
                yield Fault(path, f"score {self.name!r} has no band {end} {criterion.value!r}")
            return
        low, high = self.limits()
        wanted, strict = criterion.value * MICRO, criterion.compare in (Comparison.GT, Comparison.LT)
        message = f"score {self.name!r} is compared with {criterion.value:g}, but is at"
        if high is not None and criterion.compare in _UPWARD and (wanted > high or (strict and wanted == high)):
            yield Fault(path, f"{message} most {high / MICRO:g}")
        if low is not None and criterion.compare in _DOWNWARD and (wanted < low or (strict and wanted == low)):
            yield Fault(path, f"{message} least {low / MICRO:g}")

    def lift(
        self, lead: Lead, activities: Iterable[Activity], *, at: datetime, kinds: Iterable[str] = ()
    ) -> Lift | None:
        """Return one more activity that would raise the band at this instant; None if no single activity would.

        Of several such activities, the one that gives the lowest score.

        Args:
            lead: The lead.
            activities: Its activities so far.
            at: The instant, also that of the added activity.
            kinds: Activity kinds to try besides those in the rules; for custom code, which lists none, the only ones.

        Raises:
            Malformed: As :meth:`score`.
            PolicyError: As :meth:`score`.
        """
        return self.lift_of(LeadView(lead, activities, at), kinds=kinds)

    def lift_of(self, view: PolicyView, *, kinds: Iterable[str] = ()) -> Lift | None:
        """Return :meth:`lift` for the lead that a view shows."""
        candidates = [*self.examples(), *((kind, dict[str, Any]()) for kind in as_names(kinds))]
        now = self.assess(view)
        tried: list[tuple[int, str, Lift]] = []
        for kind, attributes in candidates:
            extra = Activity(kind=kind, at=view.at, attributes=dict(attributes))
            then = self.assess(view.adding(extra))
            # Places among bands can be compared only if both scores have the same bands.
            if then.band is not None and then.bands == now.bands and rank(then) > rank(now):
                tried.append((then.micropoints, repr((kind, attributes)), Lift(extra, then.band)))
        return min(tried, key=lambda candidate: candidate[:2])[2] if tried else None

    def renamed(self, score: Score, **changes: Any) -> Score:
        """Return the score of another policy under this policy's name and version."""
        return replace(score, policy=self.name, version=self.version, **changes)


def _examples_of(leaf: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    where = getattr(leaf, "where", {})
    for kind in getattr(leaf, "kinds", ()):
        yield kind, example(where)


def example(where: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes of an activity that match the tests."""
    return {name: match.example() for name, match in where.items()}


_TOPICS = {"field", "activity", "identified"}
"""The topics that a policy may read. The others exist in a journey only."""


def _of_the_lead(criterion: Criterion) -> Criterion:
    for leaf in leaves_of(criterion):
        for topic, name in leaf.inputs():
            if topic not in _TOPICS:
                raise Malformed(
                    f"a policy can read the lead's fields and activities, not the {topic} {name}".rstrip(),
                    hint="use this criterion in a guard, together with the score",
                )
        if getattr(leaf, "since_recycling", False):
            raise Malformed("a policy cannot use since_recycling", hint="use this criterion in a guard")
    return criterion


Question = Annotated[AnyCriterion, AfterValidator(_of_the_lead)]
"""A criterion about the fields and activities of a lead, which is all that a policy can read."""


def _points(value: object) -> object:
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Malformed("points must be a number")
    exact = as_micropoints(value)
    # A float of six decimals, such as 0.1, times a million is a whole number only up to the error of the float.
    if isinstance(value, float) and abs(value * MICRO - exact) > 1e-3:  # noqa: PLR2004 - far above that error
        raise Malformed("points may have at most six decimals", hint="round them")
    if abs(exact) > LARGEST * MICRO:
        raise Malformed(f"points must be between -{LARGEST:,} and {LARGEST:,}")
    # Whole numbers are kept as int, so that 10 and 10.0 are written alike.
    return exact // MICRO if exact % MICRO == 0 else exact / MICRO


Amount = Annotated[int | float, BeforeValidator(_points)]
"""A number of points with at most six decimals, so that it is a whole number of micropoints."""


def _distinct(bands: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return bands in the order of their limits."""
    if len(set(bands.values())) < len(bands):
        raise Malformed("two bands begin at the same number of points", hint="give each band its own least points")
    return FrozenDict(sorted(bands.items(), key=itemgetter(1)))


Bands = Annotated[MappingOf[Name, Amount], AfterValidator(_distinct)]
"""The least points of each band (or grade); a lower value has no band."""


def band_faults(bands: Mapping[str, float], low: int | None, high: int | None) -> Iterator[Fault]:
    """Yield a fault for each band above the greatest value of a policy, or wholly below its least value."""
    cuts = sorted((as_micropoints(least), name) for name, least in bands.items())
    for place, (cut, name) in enumerate(cuts):
        if high is not None and cut > high:
            reason = f"begins at {bands[name]:g}, but the policy gives at most {high / MICRO:g}"
            yield Fault(f"bands.{name}", f"band {name!r} {reason}", "lower the threshold or raise the cap")
        # A band ends where the next one begins. The highest has no end, so it is never wholly below the least value.
        if low is not None and place + 1 < len(cuts) and cuts[place + 1][0] <= low:
            reason = f"can never be reached: the policy gives at least {low / MICRO:g}"
            yield Fault(f"bands.{name}", f"band {name!r} {reason}", "take the band out or lower the floor")


def as_mapping(what: str, value: Any) -> Mapping[Any, Any]:
    """Return a mapping unchanged.

    Raises:
        InvalidDefinition: The value is not a mapping.
    """
    if not isinstance(value, Mapping):
        raise InvalidDefinition(f"{what} must be a mapping, not {type(value).__name__}", hint="pass {name: ...}")
    return value


def as_names(names: Any) -> tuple[str, ...]:
    """Return one name or several names as a tuple.

    Raises:
        Malformed: A name is not text.
    """
    if isinstance(names, str):
        return (names,)
    values = tuple(names) if isinstance(names, Iterable) else (names,)
    if not all(isinstance(name, str) for name in values):
        raise Malformed("names must be text", hint="pass one name or a list of names")
    return values


class Banded(Policy):
    """A policy that declares its bands. All its faults are reported together when it is declared."""

    bands: Bands = Field(default_factory=FrozenDict[str, float])

    @model_validator(mode="after")
    def _sound(self) -> Self:
        faults = tuple(self._faults())
        if faults:
            raise InvalidDefinition("the policy has faults:", faults=faults)
        return self

    def _faults(self) -> Iterator[Fault]:
        yield from band_faults(self.bands, *self.limits())

    def band_names(self) -> tuple[str, ...]:
        """Return the names of the bands, the lowest first."""
        return tuple(sorted(self.bands, key=self.bands.__getitem__))


Scoring = Callable[..., Any]
"""A custom function from ``(lead, activities, *, at)`` to a number, to points by reason, or to None for no answer."""
