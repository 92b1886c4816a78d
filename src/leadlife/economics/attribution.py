"""Attribution: which channels a sale is credited to, by seven models; none of them shows what caused it.

All credit is counted in millionths of a conversion and divided by largest remainder, so the channels add up to the
conversions exactly. Whether a channel makes a difference is shown only by leads that were kept out of it:
``holdout_lift`` stands beside the credits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from math import factorial, sqrt
from random import Random
from statistics import stdev
from typing import NamedTuple

from leadlife._base.arguments import listed, listed_of
from leadlife._base.linear import solved
from leadlife._base.outcomes import real, whole
from leadlife._base.shares import divided
from leadlife.economics.channel_path import ChannelPath, ChannelPaths, HoldoutLift
from leadlife.economics.currency import is_exact
from leadlife.errors import Malformed, did_you_mean
from leadlife.timing import Elapsed, elapsed, read_duration

MILLION = 1_000_000
FIRST_AND_LAST = Fraction(2, 5)
"""By position, the first and the last touch get so much each, and those between share the rest."""
MOST_EXACT = 12
"""With more channels than this, a Shapley value is sampled."""
_SMALLEST = Fraction(1, 10**12)
WEEK = elapsed(days=7)


class AttributionModel(StrEnum):
    """How the credit of one conversion is divided among the channels of its path."""

    FIRST = "first"
    LAST = "last"
    LINEAR = "linear"
    """Each touch gets the same."""
    POSITION = "position"
    """40 % the first touch, 40 % the last, and those between share 20 %; of two touches each gets half."""
    TIME_DECAY = "time_decay"
    """A touch counts half as much as one that comes one half-life later."""
    MARKOV = "markov"
    """By the removal effect in a chain of first order, which says what is lost if a channel leads nowhere."""
    SHAPLEY = "shapley"
    """By the Shapley value, where channels are worth the conversions whose paths need no others."""


class Credit(NamedTuple):
    """What one channel is credited with.

    Attributes:
        channel: The channel; None for conversions without any.
        conversions: Its share of the conversions, in millionths.
        value: Its share of what was earned.
        paths: How many paths it is in, won or not.
    """

    channel: str | None
    conversions: int
    value: Decimal
    paths: int


class Attribution(NamedTuple):
    """The credits of all channels by one model. They add up to the conversions, and show no causes.

    Attributes:
        model: The model.
        conversions: How many paths were won.
        paths: How many paths there were.
        credits: For each channel, its credit, the largest first.
        lifts: What programmes change, where some leads were held out of them.
    """

    model: AttributionModel
    conversions: int
    paths: int
    credits: tuple[Credit, ...]
    lifts: tuple[HoldoutLift, ...] = ()

    def share(self, channel: str) -> float:
        """Return the share of all conversions that a channel is credited with.

        Raises:
            Malformed: No path has this channel.
        """
        found = next((one for one in self.credits if one.channel == channel), None)
        if found is None:
            hint = did_you_mean(channel, [one.channel for one in self.credits if one.channel is not None])
            raise Malformed(f"no path has the channel {channel!r}", hint=hint)
        return found.conversions / (self.conversions * MILLION) if self.conversions else 0.0

    def __str__(self) -> str:
        names = [one.channel or "(none)" for one in self.credits]
        width = max(map(len, names), default=0)
        lines = [
            f"{name.ljust(width)}  {one.conversions / MILLION:10.2f}  {one.value:>14,.2f}  in {one.paths} paths"
            for name, one in zip(names, self.credits, strict=True)
        ]
        head = f"{self.conversions} conversions of {self.paths} paths by {self.model}; credits, not causes"
        beside = [f"what was held out by chance shows: {lift}" for lift in self.lifts]
        return "\n".join([head, *lines, *beside])


def attribute(
    paths: ChannelPaths | Iterable[ChannelPath],
    model: AttributionModel | str,
    *,
    half_life: Elapsed = WEEK,
    lifts: Iterable[HoldoutLift] = (),
) -> Attribution:
    """Return the credit of each channel by a model.

    Args:
        paths: The paths of cycles that have ended, won or not; see ``channel_paths``.
        model: The model.
        half_life: For decay by time, after which time before the end a touch counts half.
        lifts: What to print beside the credits: the ``holdout_lift`` of programmes that kept a holdout.

    Raises:
        Malformed: There is no such model, a path is not a ChannelPath, or it lacks the ages that the model needs.
    """
    several = listed_of("paths", paths.paths if isinstance(paths, ChannelPaths) else paths, ChannelPath)
    for path in several:
        _check_path(path)
    half_life = _half_life(half_life)
    try:
        model = AttributionModel(model)
    except ValueError:
        names = [one.value for one in AttributionModel]
        raise Malformed(f"there is no attribution model {model!r}", hint=did_you_mean(str(model), names)) from None
    won = [path for path in several if path.won and path.channels]
    # What was earned is divided in its own smallest unit, cents or less, so that printed amounts add up as well.
    places = max([2, *(-int(path.value.as_tuple().exponent) for path in several)])
    conversions: dict[str | None, int] = {}
    values: dict[str | None, int] = {}
    if model is AttributionModel.MARKOV:
        effects = removal_effects(several) if won else {}
        known = {channel: Fraction(effect) for channel, effect in effects.items() if effect > 0}
        if known:
            _share(conversions, len(won) * MILLION, known)
            _share(values, sum(_units(path, places) for path in won), known)
    else:
        for path in won:
            weights = _weights(path, model, half_life)
            _share(conversions, MILLION, weights)
            _share(values, _units(path, places), weights)
    for path in several:
        if path.won and not path.channels:
            conversions[None] = conversions.get(None, 0) + MILLION
            values[None] = values.get(None, 0) + _units(path, places)
    counts: dict[str | None, int] = {None: sum(not path.channels for path in several)}
    for path in several:
        for channel in set(path.channels):
            counts[channel] = counts.get(channel, 0) + 1
    rows = [
        Credit(name, conversions.get(name, 0), Decimal(values.get(name, 0)).scaleb(-places), counts[name])
        for name in counts
        if counts[name]
    ]
    rows.sort(key=lambda row: (-row.conversions, row.channel is None, row.channel or ""))
    beside = listed("lifts", lifts)
    return Attribution(model, sum(path.won for path in several), len(several), tuple(rows), beside)


def _check_path(path: ChannelPath) -> None:
    channels: object = path.channels
    if not isinstance(channels, tuple) or not all(isinstance(one, str) for one in channels):
        raise Malformed("the channels of a path must be a tuple of names", hint='pass ("ads", "email")')
    if not is_exact(path.value):
        raise Malformed("the value of a path must be a finite Decimal", hint='pass Decimal("49.90"), not a float')


def _half_life(given: object) -> Elapsed:
    found = read_duration(given)
    if not isinstance(found, Elapsed) or not found:
        raise Malformed("a half-life is an elapsed time above 0", hint="write elapsed(days=7)")
    return found


def _units(path: ChannelPath, places: int) -> int:
    return int(path.value.scaleb(places))


def _share(sums: dict[str | None, int], total: int, weights: Mapping[str, Fraction]) -> None:
    names = sorted(weights)
    for name, part in zip(names, divided(total, [weights[name] for name in names]), strict=True):
        sums[name] = sums.get(name, 0) + part


def _weights(path: ChannelPath, model: AttributionModel, half_life: Elapsed) -> dict[str, Fraction]:
    """Return the weight of each channel of one path; they need not add up to one."""
    weights: dict[str, Fraction] = {}
    for channel, weight in zip(path.channels, _by_touch(path, model, half_life), strict=True):
        weights[channel] = weights.get(channel, Fraction(0)) + weight
    # Each channel counts once for a Shapley value, however often it was touched.
    return dict.fromkeys(weights, Fraction(1)) if model is AttributionModel.SHAPLEY else weights


def _by_touch(path: ChannelPath, model: AttributionModel, half_life: Elapsed) -> list[Fraction]:
    number = len(path.channels)
    if model is AttributionModel.FIRST:
        return [Fraction(place == 0) for place in range(number)]
    if model is AttributionModel.LAST:
        return [Fraction(place == number - 1) for place in range(number)]
    if model is AttributionModel.POSITION and number > 2:  # noqa: PLR2004 - there is one between
        middle = (1 - 2 * FIRST_AND_LAST) / (number - 2)
        return [FIRST_AND_LAST, *[middle] * (number - 2), FIRST_AND_LAST]
    if model is AttributionModel.TIME_DECAY:
        return _decayed(path, half_life)
    return [Fraction(1)] * number


def _decayed(path: ChannelPath, half_life: Elapsed) -> list[Fraction]:
    if len(path.ages) != len(path.channels):
        raise Malformed("decay by time needs the age of each touch", hint="pass ages= with one number per channel")
    ages = [real("the age of a touch", age) for age in path.ages]
    days = half_life.microseconds / 86_400_000_000
    newest = min(ages)
    # Weights are relative to the newest touch, so that they do not all vanish; none is quite zero.
    return [max(Fraction(2.0 ** ((newest - age) / days)), _SMALLEST) for age in ages]


def removal_effects(paths: Iterable[ChannelPath]) -> dict[str, float]:
    """Return for each channel which share of the conversions is lost if it leads nowhere (Anderl et al. 2016).

    The chain is of first order: from the start through the channels to a sale or to nothing. Paths without channels do
    not count.
    """
    moves: dict[str, dict[str, int]] = {}
    start, sale, nothing = "\x00start", "\x00sale", "\x00nothing"
    for path in listed_of("paths", paths, ChannelPath):
        if path.channels:
            for here, there in pairwise((start, *path.channels, sale if path.won else nothing)):
                onward = moves.setdefault(here, {})
                onward[there] = onward.get(there, 0) + 1
    channels = sorted(name for name in moves if name != start)
    if not channels:
        return {}
    base = _chance(moves, channels, start, sale)
    if not base:
        return dict.fromkeys(channels, 0.0)
    return {
        removed: 1 - _chance(moves, [name for name in channels if name != removed], start, sale) / base
        for removed in channels
    }


def _chance(moves: Mapping[str, Mapping[str, int]], channels: Sequence[str], start: str, sale: str) -> float:
    """Return the chance of a sale from the start, through some channels only; all others lead nowhere."""
    names = [start, *channels]
    matrix: list[list[float]] = []
    right: list[list[float]] = []
    for here in names:
        total = sum(moves[here].values())
        matrix.append([(here == there) - moves[here].get(there, 0) / total for there in names])
        right.append([moves[here].get(sale, 0) / total])
    return solved(matrix, right)[0][0]


class ShapleyValue(NamedTuple):
    """What one channel adds, on average over all orders in which the channels may join.

    Attributes:
        value: The value.
        error: The standard error of a sampled value; 0 for an exact one.
    """

    value: float
    error: float = 0.0


def shapley(
    worth: Callable[[frozenset[str]], float] | Mapping[frozenset[str], float],
    channels: Iterable[str],
    *,
    seed: int = 7,
    samples: int = 2_000,
) -> dict[str, ShapleyValue]:
    """Return the Shapley value of each channel, by what sets of channels are worth (Shapley 1953).

    Up to 12 channels it is exact; with more, random orders are drawn, and each value comes with its error.

    Args:
        worth: What a set of channels is worth; the empty set is worth nothing unless a mapping says so.
        channels: All channels.
        seed: The luck of the orders that are drawn.
        samples: How many orders are drawn.

    Raises:
        Malformed: A set has no worth, or there are fewer than 2 samples.
    """
    names = sorted(set(listed_of("channels", channels, str)))
    if not isinstance(worth, Mapping) and not callable(worth):
        raise Malformed("worth must be a function of a set of channels, or a mapping")
    samples = whole("samples", samples, least=2)
    known: dict[frozenset[str], float] = {}

    def of(group: frozenset[str]) -> float:
        if group not in known:
            if not isinstance(worth, Mapping):
                known[group] = real("what a set of channels is worth", worth(group)) if group else 0.0
            elif group in worth or not group:
                known[group] = real("what a set of channels is worth", worth.get(group, 0.0))
            else:
                raise Malformed(f"nothing says what {sorted(group)} are worth", hint="give every set of channels")
        return known[group]

    if len(names) <= MOST_EXACT:
        return {name: ShapleyValue(_exact_value(name, names, of)) for name in names}
    random, added = Random(seed), {name: list[float]() for name in names}  # noqa: S311 - a sample, no secret
    for _ in range(samples):
        order = random.sample(names, len(names))
        before, group = of(frozenset()), frozenset[str]()
        for name in order:
            group |= {name}
            after = of(group)
            added[name].append(after - before)
            before = after
    return {name: ShapleyValue(sum(own) / samples, stdev(own) / sqrt(samples)) for name, own in added.items()}


def _exact_value(name: str, names: Sequence[str], of: Callable[[frozenset[str]], float]) -> float:
    others = [other for other in names if other != name]
    number, value = len(names), 0.0
    for bits in range(1 << len(others)):
        group = frozenset(other for place, other in enumerate(others) if bits >> place & 1)
        orders = factorial(len(group)) * factorial(number - len(group) - 1)
        value += orders * (of(group | {name}) - of(group))
    return value / factorial(number)
