"""What customers will still buy: BG/NBD and Gamma-Gamma from given parameters, and the value of a migration.

The buying models are those of Fader, Hardie and Lee (2005): while alive, a customer buys at a steady rate of its own,
and after each purchase it may be gone for good. ``pip install "leadlife[value]"`` brings SciPy, by which
``fit_bg_nbd`` finds the parameters; the predictions need no package.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp, isfinite, lgamma, log, log1p
from typing import Any, NamedTuple

from leadlife._base.arguments import listed, listed_of
from leadlife._base.linear import checked_row, solved
from leadlife._base.outcomes import real, whole
from leadlife.errors import Malformed, MissingExtra

_CLOSE = 1e-15
_MOST_TERMS = 100_000
_NEAR_ONE = 1e-9
_FAR = 11.0
"""A parameter that is so many powers of e away from 1 has run away: no customers are so alike, or so unlike."""
_HUGE = 700.0


class Purchases(NamedTuple):
    """What is known of one customer, in one unit of time.

    Attributes:
        frequency: How many repeat purchases there were.
        recency: How old the customer was at the last of them; 0 without any.
        age: How long the customer has been known.
    """

    frequency: int
    recency: float
    age: float


class BgNbd(NamedTuple):
    """The parameters of a BG/NBD model: ``r`` and ``alpha`` of the rates, ``a`` and ``b`` of the chance to leave."""

    r: float
    alpha: float
    a: float
    b: float

    def expected(self, customer: Purchases, *, time: float) -> float:
        """Return how many purchases a customer will make in so much more time (Fader, Hardie and Lee 2005, eq. 10).

        >>> model = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
        >>> round(model.expected(Purchases(frequency=2, recency=30.43, age=38.86), time=39), 4)
        1.226

        Raises:
            Malformed: A number is out of its range.
        """
        self._check()
        number, _, age = _checked(customer)
        time = real("time", time)
        if time < 0:
            raise Malformed("time must not be negative")
        # At a = 1 and at a + b + number = 1 the formula divides zero by zero; beside them, it is smooth.
        a = self.a + _NEAR_ONE if abs(self.a - 1) < _NEAR_ONE else self.a
        c = a + self.b + number - 1
        c += _NEAR_ONE if abs(c) < _NEAR_ONE else 0.0
        share, rest = time / (self.alpha + age + time), (self.alpha + age) / (self.alpha + age + time)
        # The factor before the series and the series are transformed after Euler, so that neither grows without bound
        # with the number of purchases.
        left: float = rest ** (a - 1) * _hypergeometric(a + self.b - 1 - self.r, a - 1, c, share)
        return c / (a - 1) * (1 - left) * self.alive(customer)

    def alive(self, customer: Purchases) -> float:
        """Return the chance that a customer has not left (Fader, Hardie and Lee 2008); 1 without a repeat purchase.

        Raises:
            Malformed: A number is out of its range.
        """
        self._check()
        number, last, age = _checked(customer)
        if not number:
            return 1.0
        idle = log((self.alpha + age) / (self.alpha + last))
        odds = log(self.a / (self.b + number - 1)) + (self.r + number) * idle
        return 1 / (1 + exp(min(odds, _HUGE)))

    def log_likelihood(self, customers: Iterable[Purchases]) -> float:
        """Return the logarithm of how likely the purchases of some customers are (Fader, Hardie and Lee 2005, eq. 6).

        Raises:
            Malformed: A number is out of its range.
        """
        self._check()
        r, alpha, a, b = self
        total = 0.0
        for number, last, age in map(_checked, listed_of("customers", customers, Purchases)):
            shared = lgamma(r + number) - lgamma(r) + r * log(alpha)
            stays = lgamma(a + b) + lgamma(b + number) - lgamma(b) - lgamma(a + b + number)
            alive = -(r + number) * log(alpha + age)
            if not number:
                total += shared + stays + alive
                continue
            gone = log(a / (b + number - 1)) - (r + number) * log(alpha + last)
            top = max(alive, gone)
            total += shared + stays + top + log1p(exp(min(alive, gone) - top))
        return total

    def _check(self) -> None:
        if not all(real("a parameter", value) > 0 for value in self):
            raise Malformed(f"all parameters of a BG/NBD model must be positive, and they are {tuple(self)}")


class GammaGamma(NamedTuple):
    """The parameters of a Gamma-Gamma model of the amount of a purchase (Fader and Hardie 2013)."""

    p: float
    q: float
    v: float

    def expected_amount(self, *, purchases: int, mean: float) -> float:
        """Return the mean amount of a customer's future purchases, between that of the customer and that of all.

        Args:
            purchases: How many repeat purchases there were.
            mean: Their mean amount.

        Raises:
            Malformed: A number is out of its range; with ``q`` not above 1, the mean of all customers is infinite.
        """
        p, q, v = (real("a parameter", value) for value in self)
        if not (p > 0 and q > 1 and v > 0):
            raise Malformed("a Gamma-Gamma model needs p > 0, q > 1 and v > 0")
        number, mean = real("purchases", purchases), real("mean", mean)
        if number < 0 or mean < 0:
            raise Malformed("purchases and their mean must not be negative")
        return self.p * (self.v + number * mean) / (self.p * number + self.q - 1)


def fit_bg_nbd(customers: Iterable[Purchases]) -> BgNbd:
    """Return the parameters under which the purchases of some customers are most likely; it needs SciPy.

    Raises:
        Malformed: There are fewer than 10 customers, nobody bought again, or no parameters were found.
        MissingExtra: SciPy is not there.
    """
    several = [Purchases(*_checked(one)) for one in listed_of("customers", customers, Purchases)]
    fewest = 10
    if len(several) < fewest or not any(one.frequency for one in several):
        raise Malformed(f"{len(several)} customers are too few to fit, or nobody bought again", hint="give parameters")
    try:
        from scipy.optimize import minimize  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtra("fitting needs SciPy", hint='pip install "leadlife[value]"') from None
    scale = max(one.age for one in several)
    scaled = [Purchases(one.frequency, one.recency / scale, one.age / scale) for one in several]

    def loss(logs: Any) -> float:
        try:
            return -BgNbd(*(exp(float(value)) for value in logs)).log_likelihood(scaled) / len(scaled)
        except (Malformed, OverflowError):
            return 1e9

    found = minimize(loss, [0.0, 0.0, 0.0, 0.0], method="Nelder-Mead", options={"maxiter": 4_000, "xatol": 1e-5})
    if not found.success:
        raise Malformed("no parameters were found under which these purchases are most likely", hint=str(found.message))
    if max(abs(float(value)) for value in found.x) > _FAR:
        raise Malformed("no parameters are most likely: the likelihood rises without end", hint="give parameters")
    r, alpha, a, b = (exp(float(value)) for value in found.x)
    return BgNbd(r, alpha * scale, a, b)


def migration_value(
    moves: Iterable[Sequence[float]],
    earned: Sequence[float],
    *,
    discount: float,
    periods: int | None = None,
    normalize: bool = False,
) -> tuple[float, ...]:
    """Return what a customer in each state is worth, by how customers move between states (Pfeifer and Carraway 2000).

    Args:
        moves: For each state, the chance of each state one period later.
        earned: What a customer in each state earns at the begin of a period.
        discount: By how much a period makes money worth less: 0.2 is 20 %.
        periods: How many periods after the present one count; None for all.
        normalize: Whether rows that do not add up to 1 are divided by their sums.

    Raises:
        Malformed: A row is not a list of chances that add up to 1, or the numbers do not fit together.
    """
    rows = [[real("a chance", value) for value in listed("a row", row)] for row in listed("moves", moves)]
    gains = [real("what is earned", value) for value in listed("earned", earned)]
    if periods is not None:
        periods = whole("periods", periods)
    discount = real("discount", discount)
    if len(gains) != len(rows) or any(len(row) != len(rows) for row in rows) or not rows:
        raise Malformed("moves must be a square, with one number in earned= for each state")
    if discount <= -1 or (periods is None and discount <= 0):
        raise Malformed("without an end, a discount must be above 0, or the value is infinite")
    rows = [checked_row(place, row, normalize=normalize) for place, row in enumerate(rows)]
    factor = 1 / (1 + discount)
    if periods is None:
        matrix = [
            [(row == column) - factor * chance for column, chance in enumerate(own)] for row, own in enumerate(rows)
        ]
        return tuple(value for (value,) in solved(matrix, [[gain] for gain in gains]))
    values = gains
    for _ in range(periods):
        values = [
            gain + factor * sum(chance * value for chance, value in zip(row, values, strict=True))
            for gain, row in zip(gains, rows, strict=True)
        ]
    if not all(map(isfinite, values)):
        raise Malformed("the value grows without limit", hint="use a larger discount, or fewer periods")
    return tuple(values)


def _checked(customer: Purchases) -> tuple[int, float, float]:
    number = whole("frequency", customer.frequency)
    last, age = real("recency", customer.recency), real("age", customer.age)
    if not (number >= 0 and 0 <= last <= age and isfinite(age)):
        raise Malformed(f"recency must lie between 0 and the age: {customer}", hint="give both in the same unit")
    if number and not last:
        raise Malformed("a repeat purchase has a recency above 0", hint="the first purchase is not counted")
    return number, last, age


def _hypergeometric(a: float, b: float, c: float, z: float) -> float:
    """Return Gauss's hypergeometric function by its series, which converges for z from 0 to 1."""
    term = total = 1.0
    for place in range(_MOST_TERMS):
        term *= (a + place) * (b + place) / ((c + place) * (1 + place)) * z
        total += term
        if abs(term) < abs(total) * _CLOSE:
            break
    return total
