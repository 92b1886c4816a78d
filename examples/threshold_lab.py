import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="The threshold lab")


@app.cell(hide_code=True)
def _():
    try:
        import marimo as mo
    except ModuleNotFoundError:  # Jupyter runs this notebook without marimo; its texts are Markdown cells there
        mo = None
    return (mo,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # The threshold lab

    From how many points on is a lead warm enough for a call? This notebook replays last year under several thresholds, and shows for
    each how many leads would have been called a week, how many of those were won, and how many of the won leads would have been called
    before.

    Last year is **simulated** here: name your own facts in `facts` instead, a Parquet file or a folder of such.
    """)


@app.cell
def _():
    import polars as pl

    from leadlife import QualificationRule
    from leadlife.batch import fact_columns, what_if
    from leadlife.criteria import score
    from leadlife.planning.simulation import simulate
    from leadlife.presets import eight_stage
    from leadlife.reports.charts import what_if_chart

    return QualificationRule, eight_stage, fact_columns, pl, score, simulate, what_if, what_if_chart


@app.cell
def _(eight_stage, fact_columns, simulate):
    world = simulate(400, playbook=eight_stage(), seed=7, days=360)
    facts = fact_columns(world.journeys)
    print(world.label)
    print(facts.num_rows, "facts")
    return facts, world


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## One rule, several thresholds

    The rule reads research activity only: what leads do by themselves. So the figures are exact. A rule that reads calls or evidence would be
    marked as estimated, because somebody called and asked for a reason.
    """)


@app.cell
def _(QualificationRule, score, world):
    def playbook(least):
        rule = QualificationRule(name="warm", enter=score("research") >= least, leave=score("research") < 5)
        return world.playbook.with_qualifications(rule, version=f"from {least}")

    thresholds = (10, 20, 40)
    return playbook, thresholds


@app.cell
def _(facts, playbook, thresholds, what_if, world):
    now = playbook(thresholds[-1])
    compared = {least: what_if(facts, now, playbook(least), as_of=world.as_of) for least in thresholds[:-1]}
    return compared, now


@app.cell
def _(compared, pl, thresholds):
    def row(least, found, side):
        warm = next(one for one in found.qualifications if one.name == "warm")
        return {
            "threshold": least,
            "granted": getattr(warm, f"granted_{side}"),
            "of these won": getattr(warm, f"precision_{side}"),
            "of the won, warm before": getattr(warm, f"recall_{side}"),
            "median days before": getattr(warm, f"days_before_{side}"),
            "figure": str(warm.certainty),
        }

    rows = [row(least, found, "b") for least, found in compared.items()]
    rows.append(row(thresholds[-1], next(iter(compared.values())), "a"))
    table = pl.DataFrame(rows)
    print(table)
    return (table,)


@app.cell
def _(compared, thresholds, what_if_chart):
    picture = what_if_chart(compared[thresholds[0]], names=["warm"])
    picture
    return (picture,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    A lower threshold finds more of those who are won, and earlier; it asks for more calls, and more of them are in vain. Which one is right
    depends on how many calls the team can make a week, which the picture shows.
    """)


if __name__ == "__main__":
    app.run()
