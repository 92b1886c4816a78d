"""The charts of the report, as SVG inside the page: no script, no network, and they print as they look.

Names from the data are shown without control characters: vl-convert ends the whole process at one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leadlife._base.text_tables import shown
from leadlife.analytics import Funnel
from leadlife.economics.entry_cohorts import MonthCohort
from leadlife.economics.forecasting import Forecast
from leadlife.economics.group_returns import Returns
from leadlife.economics.shelf import ShelfLife
from leadlife.economics.stays import StageModel
from leadlife.errors import MissingExtra

try:
    import altair as alt
    import vl_convert
except ModuleNotFoundError as _missing:
    raise MissingExtra(f"a report needs the package {_missing.name}", hint="pip install 'leadlife[report]'") from None

WIDTH, BAR = 640, 24
BLUE, ORANGE, GREY = "#2f6690", "#d17a22", "#9aa5b1"
_FONT = "Arial, 'Liberation Sans', Helvetica, sans-serif"
_ROOM = {"left": 24, "right": 8, "top": 8, "bottom": 8}
"""Fonts differ between who draws a chart and who shows it, so labels get some room."""


def _chart(rows: list[dict[str, Any]]) -> Any:
    return alt.Chart(alt.InlineData(values=rows))


def svg(chart: Any) -> str:
    """Return a chart as SVG that fits the width of its page."""
    styled = chart.configure(font=_FONT, background="transparent", padding=_ROOM).configure_view(strokeWidth=0)
    styled = styled.configure_axis(labelFontSize=12, titleFontSize=12, labelLimit=220, gridColor="#e6e9ee")
    styled = styled.configure_legend(labelFontSize=12, titleFontSize=12)
    return str(vl_convert.vegalite_to_svg(styled.to_dict()))


def funnel_chart(found: Funnel) -> Any:
    """Return how many leads reached each stage, as bars in the order of the stages."""
    total = found.total
    rows = [
        {"stage": stage, "leads": count, "share": f"{count / total.leads:.0%}" if total.leads else ""}
        for stage, count in total.reached.items()
    ]
    base = _chart(rows).encode(
        y=alt.Y("stage:N", sort=None, title=None), x=alt.X("leads:Q", title="leads that ever reached it")
    )
    bars = base.mark_bar(color=BLUE)
    words = base.mark_text(align="left", dx=4, fontSize=12).encode(text="share:N")
    return (bars + words).properties(width=WIDTH, height=BAR * max(len(rows), 1))


def stays_chart(model: StageModel) -> Any:
    """Return the mean stay in each stage, as bars."""
    rows = [{"stage": one.stage, "days": round(one.mean_days, 1)} for one in model.stages if one.moves]
    base = _chart(rows).encode(
        y=alt.Y("stage:N", sort="-x", title=None), x=alt.X("days:Q", title="days in the stage, on average")
    )
    words = base.mark_text(align="left", dx=4, fontSize=12).encode(text="days:Q")
    return (base.mark_bar(color=BLUE) + words).properties(width=WIDTH, height=BAR * max(len(rows), 1))


def cohort_chart(found: Sequence[MonthCohort]) -> Any:
    """Return the wins of each month's leads: those so far, and those still to come."""
    rows: list[dict[str, Any]] = []
    for one in found:
        month = f"{one.month:%Y-%m}"
        rows.append({"month": month, "wins": one.won, "part": "won so far", "order": 0})
        if one.matured_won is not None:
            rows.append(
                {"month": month, "wins": round(one.matured_won - one.won, 2), "part": "still to come", "order": 1}
            )
    colours = alt.Scale(domain=["won so far", "still to come"], range=[BLUE, GREY])
    return (
        _chart(rows)
        .mark_bar()
        .encode(
            x=alt.X("month:O", title="month of entry", axis=alt.Axis(labelAngle=-45)),
            y=alt.Y("wins:Q", title="wins"),
            color=alt.Color("part:N", scale=colours, title=None, legend=alt.Legend(orient="top")),
            order="order:Q",
        )
        .properties(width=WIDTH, height=240)
    )


def returns_chart(found: Returns, most: int = 12) -> Any:
    """Return the close rate of each group as it stands and matured, with intervals of the matured one."""
    rows: list[dict[str, Any]] = []
    for one in [row for row in found.rows if row.leads][:most]:
        name = shown(one.key)
        rows.append({"group": name, "rate": one.rate, "kind": "as it stands"})
        ends = {"low": one.matured_low, "high": one.matured_high}
        rows.append({"group": name, "rate": one.matured_rate, "kind": "matured", **ends})
    colours = alt.Scale(domain=["as it stands", "matured"], range=[GREY, ORANGE])
    base = _chart(rows).encode(y=alt.Y("group:N", sort=None, title=None))
    dots = base.mark_point(filled=True, size=80).encode(
        x=alt.X("rate:Q", title="close rate", axis=alt.Axis(format="%")),
        color=alt.Color("kind:N", scale=colours, title=None, legend=alt.Legend(orient="top")),
    )
    ends_ = base.mark_rule(color=ORANGE).encode(x=alt.X("low:Q", title="close rate"), x2="high:Q")
    return (ends_.transform_filter("isValid(datum.low)") + dots).properties(
        width=WIDTH, height=BAR * max(len({row["group"] for row in rows}), 1)
    )


def shelf_chart(found: ShelfLife) -> Any:
    """Return how much margin a unit of spend has earned by its age, with the interval."""
    rows: list[dict[str, Any]] = []
    for one in found.curves[:4]:
        name = "all spend" if found.by is None else shown(one.key)
        rows.append({"days": 0, "earned": 0.0, "low": 0.0, "high": 0.0, "curve": name})
        rows += [
            {"days": point.days, "earned": point.earned, "low": point.low, "high": point.high, "curve": name}
            for point in one.points
        ]
    base = _chart(rows).encode(
        x=alt.X("days:Q", title="age of the spend in days"),
        color=alt.Color("curve:N", title=None, legend=alt.Legend(orient="top")),
    )
    band = base.mark_area(opacity=0.15).encode(y=alt.Y("low:Q", title="margin per unit of spend"), y2="high:Q")
    line = base.mark_line(point=True).encode(y=alt.Y("earned:Q", title="margin per unit of spend"))
    even = _chart([{"one": 1}]).mark_rule(strokeDash=[4, 4], color=GREY).encode(y="one:Q")
    return (band + line + even).properties(width=WIDTH, height=260)


def forecast_chart(found: Forecast) -> Any:
    """Return the wins of each period ahead, with the 90 % interval."""
    rows = [
        {"period": f"{one.since:%Y-%m-%d}", "won": one.won.mean, "low": one.won.low, "high": one.won.high}
        for one in found.periods
    ]
    base = _chart(rows).encode(x=alt.X("period:O", title="30 days from", axis=alt.Axis(labelAngle=0)))
    bars = base.mark_bar(color=BLUE, size=36).encode(y=alt.Y("won:Q", title="wins"))
    ends = base.mark_rule(color=ORANGE, strokeWidth=2).encode(y="low:Q", y2="high:Q")
    return (bars + ends).properties(width=WIDTH, height=220)
