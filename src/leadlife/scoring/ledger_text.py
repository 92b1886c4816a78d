"""A ledger as text and as an HTML table with bars, and the difference of two scores.

``Score`` calls these functions. This module does not import it, except for type checkers.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from leadlife.scoring.ledger import Contribution, LineKind, Scale
from leadlife.scoring.units import MICRO

if TYPE_CHECKING:
    from leadlife.scoring.score import Score

FULL = 1.0
HUNDREDTH = MICRO // 100


class ScoreChange(NamedTuple):
    """The part of a difference that comes from one rule, for one reason.

    Attributes:
        rule: The name of the rule.
        micropoints: What it adds to the difference.
        reason: Why, in words.
    """

    rule: str
    micropoints: int
    reason: str

    def __str__(self) -> str:
        return f"{signed_words(self.micropoints)}: {self.reason}" if self.micropoints else self.reason


class ScoreDifference(NamedTuple):
    """The difference of two scores, and the changes that add up to it, the largest first.

    Attributes:
        micropoints: The later value minus the earlier one.
        changes: What changed.
        band: The earlier and the later band.
    """

    micropoints: int
    changes: tuple[ScoreChange, ...]
    band: tuple[str | None, str | None]

    def __str__(self) -> str:
        words = "; ".join(map(str, self.changes)) or "no change"
        before, after = self.band
        return words if before == after else f"{words} (from band {before or 'none'} to {after or 'none'})"


def points(amount: int) -> str:
    """Return micropoints as a number of points in text, without an exponent and without trailing zeros."""
    whole, rest = divmod(abs(amount), MICRO)
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{'-' if amount < 0 else ''}{whole}{fraction}"


def signed_words(amount: int) -> str:
    """Return a change in words: ``plus 25``, ``minus 2.5``.

    It is rounded to hundredths of a point. A smaller change is given in full, for it would be rounded to 0.
    """
    size = abs(amount)
    if size >= HUNDREDTH:
        size = (size + HUNDREDTH // 2) // HUNDREDTH * HUNDREDTH
    return f"{'minus' if amount < 0 else 'plus'} {points(size)}"


def difference(earlier: Score, later: Score) -> ScoreDifference:
    """Return what changed between two scores of the same scale.

    Lines are paired by rule, kind and activity. For each rule, new activities, ageing, and activities that no longer
    count are separate changes. The changes of a probability are in log-odds.
    """
    before, after = _by_line(earlier), _by_line(later)
    sums: dict[tuple[str, str], int] = {}
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        change = _micropoints(new) - _micropoints(old)
        if change:
            reason = (key[0], _why(old, new, later.at > earlier.at))
            sums[reason] = sums.get(reason, 0) + change
    changes = [ScoreChange(rule, amount, why) for (rule, why), amount in sums.items() if amount]
    whole = later.micropoints - earlier.micropoints
    if later.scale is Scale.PROBABILITY and whole and not changes:
        changes.append(ScoreChange(later.policy, whole, "probability"))
    changes += _answers(earlier, later)
    if earlier.cuts != later.cuts and earlier.answered and later.answered:
        changes.append(ScoreChange(later.policy, 0, "the bands are cut differently"))
    changes.sort(key=lambda change: (-abs(change.micropoints), change.rule, change.reason))
    return ScoreDifference(whole, tuple(changes), (earlier.band, later.band))


def _answers(earlier: Score, later: Score) -> list[ScoreChange]:
    if earlier.answer is later.answer:
        return []
    why = later.why if not later.answered else f"no longer {earlier.answer}"
    return [ScoreChange(later.policy, 0, why)]


def _by_line(score: Score) -> dict[tuple[str, LineKind, str], list[Contribution]]:
    lines: dict[tuple[str, LineKind, str], list[Contribution]] = {}
    for line in score.lines:
        # Activities without an id are distinguished by their instant.
        activity = line.activity or ("" if line.at is None else line.at.isoformat())
        lines.setdefault((line.rule, line.kind, activity), []).append(line)
    return lines


def _micropoints(lines: list[Contribution] | None) -> int:
    return sum(line.micropoints for line in lines or ())


def _why(old: list[Contribution] | None, new: list[Contribution] | None, time_passed: bool) -> str:  # noqa: FBT001 - private, called once
    if old is None:
        assert new is not None  # noqa: S101 - at least one of the two has the line
        return new[0].reason
    if new is None:
        return f"{old[0].reason} no longer counts"
    if time_passed and new[0].factor < old[0].factor:
        return f"{new[0].reason} aged"
    return f"{new[0].reason} counts differently"


def explain(score: Score) -> str:
    """Return the score and its lines as text, one row for each line."""
    width = max((len(_signed(line.micropoints)) for line in score.lines), default=0)
    rows = [f"{_signed(line.micropoints):>{width}}  {_reason(line)}" for line in score.lines]
    return "\n  ".join([_headline(score), *rows, *_notes(score)])


def _notes(score: Score) -> list[str]:
    notes: list[str] = []
    if score.automatic is not None:
        notes.append(f"set by hand; the automatic value is {points(score.automatic)}")
    notes += [f"part: {_headline(part)}" for part in score.parts]
    if score.trend is not None:
        notes.append(f"trend: {signed_words(score.trend.micropoints)} since {score.trend.since:%Y-%m-%d}")
    if score.lift is not None:
        notes.append(_lift(score))
    return notes


def _headline(score: Score) -> str:
    if not score.answered:
        return f"{score.policy}: no score, {score.answer}: {score.why}"
    value = points(score.micropoints) if score.probability is None else f"{score.probability:.3f}"
    most = f" of at most {points(score.high)}" if score.high is not None and score.probability is None else ""
    return f"{score.policy}: {value}{most}" + (f", band {score.band}" if score.band is not None else "")


def _signed(amount: int) -> str:
    return f"{'+' if amount > 0 else ''}{points(amount)}"


def _reason(line: Contribution) -> str:
    when = "" if line.at is None else f" on {line.at:%Y-%m-%d}"
    aged = "" if line.factor == FULL else f", {line.factor:.0%} left"
    return f"{' '.join(line.reason.split())}{when}{aged}"


def _lift(score: Score) -> str:
    assert score.lift is not None  # noqa: S101 - checked by the caller
    activity, band = score.lift
    attributes = ", ".join(f"{name} {value}" for name, value in activity.attributes.items())
    return f"one {activity.kind}{f' ({attributes})' if attributes else ''} would lift it to band {band}"


_CELL = "padding:2px 8px;border:0;text-align:left;color:inherit;background:none"


def html(score: Score) -> str:
    """Return the ledger as an HTML table with bars; all text is escaped, and nothing is loaded or run."""
    most = max((line.micropoints for line in score.lines), default=0)
    least = min((line.micropoints for line in score.lines), default=0)
    scale = _Bars(-min(least, 0), max(most, 0) - min(least, 0) or 1)  # 1, if all lines are 0: the width is a divisor
    rows = "".join(_row(line, scale) for line in score.lines)
    notes = "".join(f"<div style='color:#777;padding:2px 8px'>{escape(note)}</div>" for note in _notes(score))
    return (
        "<div style='font:13px system-ui,sans-serif;max-width:48em'>"
        f"<div style='padding:2px 8px'><b>{escape(_headline(score))}</b></div>"
        f"<table style='border-collapse:collapse;width:100%'><tbody>{rows}</tbody></table>{notes}</div>"
    )


class _Bars(NamedTuple):
    """The scale of the bars, in micropoints: where 0 is, counted from the left end, and the full width."""

    zero: int
    width: int

    def place(self, amount: int) -> tuple[float, float]:
        """Return where a bar begins and how wide it is, in percent of the full width."""
        return 100 * (self.zero + min(amount, 0)) / self.width, 100 * abs(amount) / self.width


def _row(line: Contribution, scale: _Bars) -> str:
    left, share = scale.place(line.micropoints)
    colour = "#2a7f9e" if line.micropoints >= 0 else "#c2543b"
    bar = (
        "<div style='position:relative;height:10px;background:#8882'>"
        f"<div style='position:absolute;left:{left:.1f}%;width:{share:.1f}%;height:10px;background:{colour}'></div>"
        "</div>"
    )
    return (
        f"<tr><td style='{_CELL};width:52%'>{escape(_reason(line))}</td>"
        f"<td style='{_CELL};text-align:right;width:12%'>{escape(_signed(line.micropoints))}</td>"
        f"<td style='{_CELL}'>{bar}</td></tr>"
    )
