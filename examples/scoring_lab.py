import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="The scoring lab")


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
    # The scoring lab

    Which leads should sales call first, and how many of them? This notebook answers the question for a table of closed leads. It
    profiles the columns, finds the columns that depend on the outcome, defines one policy by hand, learns two more, evaluates all
    three on leads that they were not trained on, and chooses a threshold for the calls that sales can make.

    It uses the table of X Education if that is in `shared/data` here or in a folder above, else a simulated one.
    """)
    return


@app.cell
def _():
    import os
    from datetime import UTC, datetime
    from pathlib import Path

    import polars as pl

    from leadlife import FieldRule, Points
    from leadlife.criteria import field
    from leadlife.evaluation import appraise, by_segment, leaks, profile, stratified_splits, threshold
    from leadlife.frames import closed_leads, fields_of, score_frame
    from leadlife.planning.intake_table import intake
    from leadlife.presets import eight_stage
    from leadlife.reports.charts import calibration_chart, gains_chart, ledger_chart, roc_chart, threshold_chart
    from leadlife.scoring import CalibratedBayes, NaiveBayes, TierRule, WinTable

    return (
        CalibratedBayes,
        FieldRule,
        NaiveBayes,
        Path,
        Points,
        TierRule,
        UTC,
        WinTable,
        appraise,
        by_segment,
        calibration_chart,
        closed_leads,
        datetime,
        eight_stage,
        field,
        fields_of,
        stratified_splits,
        gains_chart,
        intake,
        leaks,
        ledger_chart,
        os,
        pl,
        profile,
        roc_chart,
        score_frame,
        threshold,
        threshold_chart,
    )


@app.cell
def _(Path, intake, os, pl):
    here = Path.cwd()
    asked = os.environ.get("LEADLIFE_SHARED")
    shared = [Path(asked)] if asked else [folder / "shared" for folder in (here, *here.parents)]
    data = next((folder / "data" for folder in shared if (folder / "data" / "x_education").is_dir()), None)
    if data is not None:
        world = "X Education: 9,240 real leads of an education company"
        raw = pl.read_csv(data / "x_education" / "leads.csv")
        key, outcome, unanswered = "Lead Number", "Converted", ["", "Select"]
    else:
        made_up = intake()
        world = made_up.label
        raw = pl.DataFrame(made_up.columns)
        key, outcome, unanswered = "id", "won", [""]
    print(f"{world}: {raw.height:,} rows, {raw.width} columns, {raw[outcome].mean():.1%} won")
    return data, key, outcome, raw, unanswered, world


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Profile of the columns

    Constant columns have no information. Placeholders such as *Select* mean that the question was not answered. Spellings that
    differ only in case are probably one value. `roc_auc` shows how well a column alone ranks leads; one half is no signal.
    """)
    return


@app.cell
def _(key, outcome, pl, profile, raw):
    columns = {name: raw[name].to_list() for name in raw.columns if name not in (key, outcome, "Prospect ID")}
    won = raw[outcome].to_list()
    profiles = profile(columns, outcomes=won)
    constant = [one.column for one in profiles if one.distinct < 2]
    print("constant:", ", ".join(constant) or "none")
    for one in profiles:
        for _text, _times in one.placeholders:
            print(f"placeholder in {one.column!r}: {_text!r}, {_times} times")
        for _spellings in one.variants:
            print(f"spellings in {one.column!r}: {', '.join(map(repr, _spellings))}")
    pl.DataFrame(
        [(one.column, one.filled, one.distinct, str(one.commonest), one.share, one.roc_auc) for one in profiles],
        schema=["column", "filled", "distinct", "commonest", "share", "roc_auc"],
        orient="row",
    ).sort("roc_auc", descending=True)
    return columns, constant, won


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Leaks

    The library warns of columns that may depend on the outcome. If the warning is certain, the column is dropped. If not, ask a
    person who knows when the column is filled in. For X Education this is documented: tags, quality, profile and the last
    activities are kept up to date after contact, and the Asymmetrique columns are the score of another system. Time on the
    website and the occupation are known at intake, so they stay.
    """)
    return


@app.cell
def _(columns, constant, leaks, won):
    warnings = leaks(won, columns)
    for warning in warnings:
        print("leak:" if warning.certain else "ask: ", warning.column, "-", warning.words)
    known_late = {"Lead Quality", "Lead Profile", "Last Activity", "Last Notable Activity"}
    leaking = {warning.column for warning in warnings if warning.certain}
    left_out = {*leaking, *known_late, *constant, *(name for name in columns if name.startswith("Asymmetrique"))}
    kept = [name for name in columns if name not in left_out]
    print("kept:", ", ".join(kept))
    return (kept,)


@app.cell
def _(key, kept, outcome, pl, raw, unanswered):
    table = raw.select(key, *kept, outcome).with_columns(
        pl.when(pl.col(pl.String).is_in(unanswered)).then(None).otherwise(pl.col(pl.String)).name.keep()
    )
    numeric = [name for name in kept if table.schema[name].is_numeric()]
    words = [name for name in kept if name not in numeric]
    table.head()
    return numeric, table, words


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Training and test leads

    All figures below are for test leads, one lead in five, on which no policy was trained. This table has no dates. A table with
    dates should be split in time, with `train_early_test_late`.
    """)
    return


@app.cell
def _(UTC, closed_leads, datetime, stratified_splits, kept, outcome, table, won):
    now = datetime(2026, 1, 1, tzinfo=UTC)  # the table has no dates: one instant for all
    train, test = next(stratified_splits(won, parts=5, seed=0))
    held_out = table[list(test)]
    known = closed_leads(table[list(train)], won=outcome, closed=now, fields=kept)
    truth = held_out[outcome].to_list()
    print(f"{len(known):,} leads to train on, {held_out.height:,} to test on")
    return held_out, known, now, truth


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## A policy written by hand

    It gives points for properties that sales would expect of a good lead. The numbers are guesses; edit them.
    """)
    return


@app.cell
def _(FieldRule, Points, TierRule, data, field):
    if data is not None:
        rules = (
            FieldRule(name="added by sales", when=field("Lead Origin") == "Lead Add Form", points=35),
            FieldRule(
                name="at work", when=field("What is your current occupation") == "Working Professional", points=25
            ),
            TierRule(
                name="time on site",
                tiers=(
                    (field("Total Time Spent on Website") >= 1_000, 25),
                    (field("Total Time Spent on Website") >= 300, 10),
                ),
            ),
            FieldRule(name="no e-mail", when=field("Do Not Email") == "Yes", points=-15),
        )
    else:
        rules = (
            FieldRule(name="owner", when=field("role") == "owner", points=25),
            FieldRule(name="referred", when=field("channel") == "referral", points=20),
            TierRule(name="time on site", tiers=((field("minutes") >= 20, 25), (field("minutes") >= 8, 10))),
            FieldRule(name="student", when=field("role") == "student", points=-15),
        )
    by_hand = Points(name="by hand", rules=rules, bands={"cold": 0, "warm": 20, "hot": 35})
    return (by_hand,)


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Two learned policies

    Plain naive Bayes multiplies the shares of won and lost leads, as Odoo's CRM does. The calibrated one smooths rare values
    towards the average, ignores values that it has never seen, and calibrates its probabilities on leads that were held out
    during training.
    """)
    return


@app.cell
def _(CalibratedBayes, NaiveBayes, WinTable, known, now, numeric, words):
    counted = WinTable(at=now, stages=("open", "won"), fields=tuple(words)).cutting(known, *numeric)
    plain = NaiveBayes(name="plain Bayes", table=counted.rebuilt(known, at=now))
    calibrated = CalibratedBayes.learned(
        known, table=counted, at=now, name="calibrated", bands={"cold": 0, "warm": 0.3, "hot": 0.6}
    )
    print(f"smoothing chosen: {calibrated.smoothing:g} leads of average luck")
    return calibrated, plain


@app.cell
def _(
    by_hand,
    calibrated,
    eight_stage,
    fields_of,
    held_out,
    kept,
    key,
    now,
    plain,
    score_frame,
):
    playbook = eight_stage().with_fields(**fields_of(held_out, *kept)).with_score(by_hand, plain, calibrated)
    faults = []
    scored = score_frame(playbook, held_out, at=now, id=key, faults=faults)
    print(f"{scored.height:,} leads scored, {len(faults)} faults")
    scored.select(key, "by hand", "by hand_band", "plain Bayes", "calibrated", "calibrated_band").head()
    return playbook, scored


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Three leads, line by line

    The best, the middle and the last lead by the calibrated score: the ledger in points, and the log-odds of the learned policy.
    """)
    return


@app.cell
def _(calibrated, key, now, playbook, scored):
    from leadlife import Lead

    ranked = scored.sort("calibrated", descending=True)
    three = [ranked.row(place, named=True) for place in (0, ranked.height // 2, ranked.height - 1)]
    ledgers = []
    for _row in three:
        _fields = {name: _row[name] for name in playbook.fields if name in _row and _row[name] is not None}
        _lead = Lead(id=str(_row[key]), fields=_fields)
        ledgers.append(calibrated.score(_lead, (), at=now))
        print(playbook.policy("by hand").score(_lead, (), at=now).explain())
        print(ledgers[-1].explain())
        _reasons = calibrated.reasons(_lead, at=now)
        print("  for:    ", "; ".join(f"{one.field} {one.value} ({one.score:.2f})" for one in _reasons.for_it))
        print("  against:", "; ".join(f"{one.field} {one.value} ({one.score:.2f})" for one in _reasons.against_it))
        print()
    return (ledgers,)


@app.cell
def _(ledger_chart, ledgers):
    ledger_chart(ledgers[0])
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Evaluation
    """)
    return


@app.cell
def _(appraise, scored, truth):
    policies = {name: scored[name].to_list() for name in ("by hand", "plain Bayes", "calibrated")}
    for _name, _scores in policies.items():
        print(f"{_name:12} {appraise(truth, _scores, probabilities=_name != 'by hand')}")
    return (policies,)


@app.cell
def _(policies, roc_chart, truth):
    roc_chart(truth, policies)
    return


@app.cell
def _(gains_chart, policies, truth):
    gains_chart(truth, policies)
    return


@app.cell
def _(calibration_chart, policies, truth):
    calibration_chart(truth, {name: policies[name] for name in ("plain Bayes", "calibrated")})
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Evaluation by segment

    A score may rank all leads well but not the leads within a segment, because it only separates the segments.
    """)
    return


@app.cell
def _(by_segment, policies, scored, truth, words):
    segment = words[0]
    for _part in by_segment(truth, policies["calibrated"], scored[segment].to_list(), probabilities=True):
        _result = _part.why if _part.appraisal is None else _part.appraisal
        print(f"{segment} {_part.name}: {_part.leads} leads, {_part.rate:.0%} won; {_result}")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## Threshold

    Edit the three numbers: the value of a won lead, the cost of a call, and the number of calls that sales can make.
    """)
    return


@app.cell
def _(policies, scored, threshold, threshold_chart):
    value, cost, capacity = 400.0, 60.0, scored.height // 4
    cut = threshold(policies["calibrated"], value=value, cost=cost, capacity=capacity)
    free = threshold(policies["calibrated"], value=value, cost=cost)
    print(f"with {capacity} calls: call from {cut.cut:.1%} on, {cut.leads} leads, {cut.profit:,.0f} expected")
    print(f"one call more would bring {cut.next_lead_worth:,.0f}; without a limit {free.leads} leads are worth one")
    threshold_chart(policies["calibrated"], value=value, cost=cost, capacity=capacity)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ## A weak signal: Olist, 2018

    The same evaluation for the 5,998 leads that contacted Olist from January 2018 on (earlier cohorts are left-truncated), with
    everything that is known at intake: origin, landing page and weekday. A lead without a deal counts as not won here, although
    it may still be open. This cell needs `shared/data/olist`.
    """)
    return


@app.cell
def _(
    CalibratedBayes,
    NaiveBayes,
    WinTable,
    appraise,
    by_segment,
    closed_leads,
    data,
    eight_stage,
    fields_of,
    stratified_splits,
    now,
    pl,
    score_frame,
):
    def olist_2018(folder):
        contacts = pl.read_csv(folder / "olist_marketing_qualified_leads_dataset.csv", try_parse_dates=True)
        deals = pl.read_csv(folder / "olist_closed_deals_dataset.csv").select("mql_id", pl.lit(1).alias("won"))
        recent = contacts.filter(pl.col("first_contact_date") >= pl.date(2018, 1, 1))
        joined = recent.join(deals, on="mql_id", how="left").with_columns(pl.col("won").fill_null(0))
        page = pl.when(pl.len().over("landing_page_id") >= 20).then("landing_page_id").otherwise(pl.lit("a rare page"))
        weekday = pl.col("first_contact_date").dt.weekday().cast(pl.String)
        return joined.select("mql_id", "origin", page.alias("page"), weekday.alias("weekday"), "won")

    def held_out_scores(olist):
        fields = ("origin", "page", "weekday")
        empty, parts = WinTable(at=now, stages=("open", "won"), fields=fields), []
        for train_rows, test_rows in stratified_splits(olist["won"].to_list(), parts=5, seed=0):
            closed = closed_leads(olist[list(train_rows)], won="won", closed=now, fields=fields)
            bayes = NaiveBayes(name="plain", table=empty.rebuilt(closed, at=now))
            better = CalibratedBayes.learned(closed, table=empty, at=now, name="calibrated")
            book = eight_stage().with_fields(**fields_of(olist, *fields)).with_score(bayes, better)
            parts.append(score_frame(book, olist[list(test_rows)], at=now, id="mql_id", progress=False))
        return pl.concat(parts)

    if data is not None and (data / "olist").is_dir():
        olist = held_out_scores(olist_2018(data / "olist"))
        olist_won = olist["won"].to_list()
        for _name in ("plain", "calibrated"):
            print(f"Olist 2018, {_name:10} {appraise(olist_won, olist[_name].to_list(), probabilities=True)}")
        for _part in by_segment(olist_won, olist["calibrated"].to_list(), olist["origin"].to_list())[:3]:
            print(f"  from {_part.name}: {_part.leads} leads, {_part.rate:.0%} won; {_part.appraisal or _part.why}")
    else:
        print("the Olist data are not present")
    return


if __name__ == "__main__":
    app.run()
