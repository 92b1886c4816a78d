"""Charts of scores and their quality, and of two playbooks, drawn with Altair. This module needs the extra ``plots``.

Each function returns an Altair chart. A notebook shows it; you can style it further or save it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from leadlife._base.outcomes import as_chance, several
from leadlife.errors import Malformed, MissingExtra, did_you_mean
from leadlife.evaluation import calibration, gains, roc_auc, roc_curve, threshold
from leadlife.planning.comparison import PlaybookComparison
from leadlife.scoring import Scale, Score

try:
    import altair as alt
except ModuleNotFoundError:
    raise MissingExtra(
        "leadlife.reports.charts needs the package altair", hint="pip install 'leadlife[plots]'"
    ) from None

if TYPE_CHECKING:
    from leadlife.batch import WhatIf

SIZE = 320
MOST_POINTS = 400
GREY, FOR, AGAINST = "#888888", "#1b7f79", "#c8553d"
Scored = Mapping[str, Iterable[Any]]


def roc_chart(outcomes: Iterable[Any], scores: Scored) -> alt.LayerChart:
    """Return the ROC curves of several scores of the same leads. A score without signal follows the diagonal.

    Args:
        outcomes: Whether each lead was won: True or False, 1 or 0.
        scores: The scores of the same leads in the same order, by the name of the policy.

    Raises:
        Malformed: The lengths differ, or all outcomes are the same.
    """
    checked, rows = several("outcomes", outcomes), list[dict[str, Any]]()
    for name, values in _named(scores):
        label = f"{name}, area {roc_auc(checked, values):.3f}"
        rows += [{"lost": x, "won": y, "score": label} for x, y in _thinned(roc_curve(checked, values))]
    lines = (
        _chart(rows)
        .mark_line(interpolate="linear")
        .encode(
            x=alt.X("lost:Q", title="share of lost leads called", axis=alt.Axis(format="%")),
            y=alt.Y("won:Q", title="share of won leads called", axis=alt.Axis(format="%")),
            color=_by_score(),
            order="lost:Q",
        )
    )
    return _square(_diagonal("lost", "won"), lines, title="How well scores rank won leads above lost ones")


def gains_chart(outcomes: Iterable[Any], scores: Scored) -> alt.LayerChart:
    """Return the share of won leads among the best-scored leads, for every share of all leads.

    A score without signal follows the diagonal.


    Args:
        outcomes: As in :func:`roc_chart`.
        scores: As in :func:`roc_chart`.

    Raises:
        Malformed: As in :func:`roc_chart`.
    """
    checked, rows = several("outcomes", outcomes), list[dict[str, Any]]()
    shares = [place / 50 for place in range(1, 51)]
    for name, values in _named(scores):
        rows.append({"leads": 0, "won": 0, "score": name})
        rows += [{"leads": one.share, "won": one.gain, "score": name} for one in gains(checked, values, shares=shares)]
    lines = (
        _chart(rows)
        .mark_line()
        .encode(
            x=alt.X("leads:Q", title="share of all leads, best first", axis=alt.Axis(format="%")),
            y=alt.Y("won:Q", title="share of the won leads", axis=alt.Axis(format="%")),
            color=_by_score(),
        )
    )
    return _square(_diagonal("leads", "won"), lines, title="Share of won leads among the best-scored leads")


def calibration_chart(outcomes: Iterable[Any], scores: Scored, *, bins: int = 10) -> alt.LayerChart:
    """Return the share of won leads for each range of predicted probabilities, with intervals at 95 percent.

    Well calibrated probabilities lie on the diagonal.


    Args:
        outcomes: As in :func:`roc_chart`.
        scores: Probabilities, by the name of the policy.
        bins: The number of bins, all of equal width.

    Raises:
        Malformed: The lengths differ, or a score is not a probability.
    """
    checked, rows = several("outcomes", outcomes), list[dict[str, Any]]()
    for name, values in _named(scores):
        rows += [
            {
                "predicted": row.predicted,
                "rate": row.rate,
                "low": row.interval[0],
                "high": row.interval[1],
                "leads": row.leads,
                "score": name,
            }
            for row in calibration(checked, values, bins=bins)
        ]
    base = _chart(rows).encode(
        x=alt.X("predicted:Q", title="predicted probability", axis=alt.Axis(format="%")), color=_by_score()
    )
    ranges = base.mark_rule(opacity=0.5).encode(y=alt.Y("low:Q", title="share that was won"), y2="high:Q")
    points = base.mark_line(point=True).encode(
        y=alt.Y("rate:Q", title="share that was won", axis=alt.Axis(format="%")), tooltip=["leads:Q"]
    )
    return _square(_diagonal("predicted", "rate"), ranges, points, title="Calibration of probabilities")


def threshold_chart(
    probabilities: Iterable[Any], *, value: float, cost: float, capacity: int | None = None
) -> alt.LayerChart:
    """Return the expected profit for each number of called leads; a vertical line shows the best number.

    Args:
        probabilities: The probability of winning, for each lead.
        value: The value of a won lead, in any currency.
        cost: The cost of one call, in the same currency.
        capacity: The greatest number of leads that can be called; None for any number.

    Raises:
        Malformed: A probability is not between 0 and 1, or value, cost or capacity is not a positive number.
    """
    ranked = sorted(map(as_chance, several("probabilities", probabilities)), reverse=True)
    best = threshold(ranked, value=value, cost=cost, capacity=capacity)
    profits = list(enumerate(accumulate((one * value - cost for one in ranked), initial=0.0)))
    rows = [{"leads": leads, "profit": profit} for leads, profit in _thinned(profits)]
    curve = (
        _chart(rows)
        .mark_line(color=FOR)
        .encode(x=alt.X("leads:Q", title="leads called, best first"), y=alt.Y("profit:Q", title="expected profit"))
    )
    here = [{"leads": best.leads, "profit": best.profit, "label": f"{best.leads} leads, down to {best.cut:.1%}"}]
    stop = _chart(here).mark_rule(strokeDash=[4, 4], color=GREY).encode(x="leads:Q")
    label = _chart(here).mark_text(align="left", dx=6, y=SIZE - 8).encode(x="leads:Q", text="label:N")
    return _square(curve, stop, label, title="How many leads to call")


def ledger_chart(score: Score) -> alt.LayerChart:
    """Return the lines of a score as bars: positive lines in one colour, negative lines in another.

    Raises:
        Malformed: The value is not a score, or the score has no lines.
    """
    if not getattr(score, "lines", ()):
        raise Malformed("ledger_chart() needs a score that has lines", hint="pass what policy.score(...) returns")
    rows = [
        {"line": f"{place + 1}. {line.reason}", "points": line.points, "side": "for" if line.points >= 0 else "against"}
        for place, line in enumerate(score.lines)
    ]
    unit = "points" if score.scale is Scale.POINTS else "log-odds"
    bars = (
        _chart(rows)
        .mark_bar()
        .encode(
            x=alt.X("points:Q", title=unit),
            y=alt.Y("line:N", sort=None, title=None, axis=alt.Axis(labelLimit=360)),
            color=alt.Color("side:N", scale=alt.Scale(domain=["for", "against"], range=[FOR, AGAINST]), legend=None),
        )
    )
    zero = _chart([{"points": 0}]).mark_rule(color=GREY).encode(x="points:Q")
    band = f", band {score.band}" if score.band is not None else ""
    return alt.LayerChart(layer=[bars, zero], width=SIZE, title=f"{score.policy}: {score.value:.6g}{band}")


def comparison_chart(comparison: PlaybookComparison) -> alt.LayerChart:
    """Return by how much each figure differs under the second of two playbooks, in shares of the first, with intervals.

    A figure that is 0 under the first playbook has no share, and is left out.

    Args:
        comparison: What :func:`leadlife.planning.compare` returned.
    """
    rows = [
        {
            "figure": row.figure,
            "change": row.difference / abs(row.a),
            "low": row.low / abs(row.a),
            "high": row.high / abs(row.a),
            "clear": "clear" if row.is_clear else "may be luck",
        }
        for row in comparison.rows
        if row.a
    ]
    x = alt.X("change:Q", title=f"{comparison.b}, compared with {comparison.a}", axis=alt.Axis(format="+%"))
    y = alt.Y("figure:N", title=None, sort=None)
    colour = alt.Color("clear:N", title=None, scale=alt.Scale(domain=["clear", "may be luck"], range=[FOR, GREY]))
    bars = _chart(rows).mark_bar().encode(x=x, y=y, color=colour)
    reach = _chart(rows).mark_rule(color=AGAINST).encode(x="low:Q", x2="high:Q", y=y)
    return alt.LayerChart(layer=[bars, reach], width=SIZE, title=comparison.label)


def _named(scores: Any) -> Iterable[tuple[str, list[Any]]]:
    if not isinstance(scores, Mapping) or not scores:
        raise Malformed(
            "scores must be a mapping from the name of each policy to its scores", hint='pass {"engagement": scores}'
        )
    return [(str(name), several("scores", values)) for name, values in scores.items()]


# Inline data takes plain rows: Altair then needs no data frame library.
def _chart(rows: list[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=rows))


def _by_score() -> alt.Color:
    return alt.Color("score:N", title=None, sort=None, legend=alt.Legend(orient="bottom", columns=1, labelLimit=SIZE))


def _diagonal(x: str, y: str) -> alt.Chart:
    line: alt.Chart = _chart([{x: 0, y: 0}, {x: 1, y: 1}]).mark_line(color=GREY, strokeDash=[4, 4])
    return line.encode(x=f"{x}:Q", y=f"{y}:Q")


def _square(*layers: alt.Chart, title: str) -> alt.LayerChart:
    return alt.LayerChart(layer=list(layers), width=SIZE, height=SIZE, title=title)


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Return every n-th point and always the last, so that a chart of a million leads stays small."""
    step = max(1, len(points) // MOST_POINTS)
    return [*points[:-1:step], points[-1]]


def what_if_chart(found: WhatIf, *, names: Iterable[str] = ()) -> alt.FacetChart:
    """Return what began each week under two playbooks: what was granted, and which stages were entered.

    Args:
        found: What :func:`leadlife.batch.what_if` returned.
        names: Which qualifications and stages; by default those that differ.

    Raises:
        Malformed: Nothing differs, or a name is unknown.
    """
    rows, wanted = found.weeks.to_pylist(), set(names)
    known = {row["name"] for row in rows}
    if wanted - known:
        raise Malformed(f"nothing is called {min(wanted - known)!r}", hint=did_you_mean(min(wanted - known), known))
    wanted = wanted or {row["name"] for row in rows if row["a"] != row["b"]}
    if not wanted:
        raise Malformed("the two playbooks come to the same in every week", hint="pass names= to see them all the same")
    shown = [
        {"week": str(row["week"]), "what": f"{row['name']}, {row['what']}", "number": row[side], "playbook": label}
        for row in rows
        if row["name"] in wanted
        for side, label in (("a", f"a: {found.a.ref}"), ("b", f"b: {found.b.ref}"))
    ]
    lines = (
        _chart(shown)
        .mark_line(point=True)
        .encode(
            x=alt.X("week:T", title="week that begins on"),
            y=alt.Y("number:Q", title="how many began"),
            color=alt.Color("playbook:N", title=None, scale=alt.Scale(range=[GREY, FOR])),
        )
        .properties(width=2 * SIZE, height=SIZE // 2)
    )
    faceted: alt.FacetChart = lines.facet(row=alt.Row("what:N", title=None)).resolve_scale(y="independent")
    return faceted
