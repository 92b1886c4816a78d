"""Reading an export: each row is used, refused or set aside, and dates are never guessed."""

import json
import re
from datetime import UTC, datetime

import pytest

from leadlife import Malformed, errors
from leadlife.cli import main
from leadlife.errors import InvalidDefinition
from leadlife.io import load_mapping, read_export
from leadlife.io.dates import CANDIDATES, check_format, parser, prove
from leadlife.io.mapping import parse_mapping
from leadlife.timing import zone_named

UTC_ZONE = zone_named("UTC")
SAO_PAULO = zone_named("America/Sao_Paulo")

LIFECYCLE = """
[lifecycle]
reasons = ["timing"]
[[lifecycle.stages]]
id = "mql"
[[lifecycle.stages]]
id = "demo"
[[lifecycle.stages]]
id = "won"
status = "won"
[[lifecycle.stages]]
id = "lost"
status = "lost"
on_path = false
[[lifecycle.transitions]]
trigger = "show"
sources = ["mql"]
target = "demo"
kind = "forward"
[[lifecycle.transitions]]
trigger = "win"
sources = ["demo"]
target = "won"
kind = "forward"
on = "sold"
guard = { op = "sold" }
[[lifecycle.transitions]]
trigger = "lose"
sources = ["mql", "demo"]
target = "lost"
kind = "exit"
[[lifecycle.transitions]]
trigger = "reopen"
sources = ["lost"]
kind = "reopen"
"""

MAPPING = (
    'id = "shop"\nzone = "UTC"\npersonal = ["mail"]\n'
    + LIFECYCLE
    + """
[lead_types]
fair = "interest"

[[tables]]
file = "leads.csv"
lead = "id"
[tables.entry]
column = "created"
format = "%d/%m/%Y"
[tables.identified]
column = "created"
format = "%d/%m/%Y"
[tables.source]
channel = "channel"
campaign = "campaign"
[tables.attributes]
size = "size"
mail = "mail"
[[tables.stages]]
column = "demo"
stage = "demo"
format = "iso"
[[tables.stages]]
column = "lost"
stage = "lost"
format = "iso"
[[tables.activities]]
column = "called"
kind = "call"
format = "iso"

[[tables]]
file = "sales.csv"
lead = "lead"
delimiter = ";"
blanks = ["-"]
[[tables.sales]]
column = "sold"
format = "%Y-%m-%d %H:%M"
zone = "America/Sao_Paulo"
amount = "amount"
currency = "BRL"
product = "product"
"""
)

LEADS = """id,created,channel,campaign,size,mail,demo,lost,called
a,01/02/2026,fair,spring,5,a@x,2026-02-03,,2026-02-02
b,02/02/2026,social,,,,2026-02-05,2026-02-09,
c,03/02/2026,,,,,,,
d,04/02/2026,fair,,,,2026-02-06,,2026-01-30
"""
SALES = """lead;sold;amount;product
a;2026-02-10 23:30;12,50;p
a;2026-02-10 23:30;12.50;p
c;2026-02-11 10:00;3;-
d;2026-02-01 10:00;-;-
z;2026-02-11 10:00;3;q
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "leads.csv").write_text(LEADS)
    (tmp_path / "sales.csv").write_text(SALES)
    (tmp_path / "shop.toml").write_text(MAPPING)
    return tmp_path


def read(folder):
    return read_export(load_mapping(folder / "shop.toml"), folder)


def test_every_row_ends_as_one_of_three(folder):
    export = read(folder)
    assert [tuple(count) for count in export.rows] == [("leads.csv", 4, 4, 0, 0), ("sales.csv", 5, 1, 2, 2)]
    assert [(one.file, one.line, one.reason) for one in export.set_aside] == [
        (
            "sales.csv",
            2,
            "column 'amount' does not hold an amount of money: write it like 1,234.50, or state decimal = \",\" in the mapping",
        ),
        ("sales.csv", 6, "no lead of this id has entered"),
    ]
    assert [(one.line, one.reason) for one in export.refused] == [
        (4, ["'win' is not a legal move from 'mql'", "allowed from here: show, lose)"][0]),
        (5, "'win' is not a legal move from 'mql'"),
    ]


def test_journeys_have_the_facts_of_the_columns(folder):
    a, b, c, d = read(folder).journeys
    assert a.stage == "won"
    assert a.lead.fields == {"size": "5", "mail": "a@x"}
    assert (a.source.channel, a.source.campaign, a.source.lead_type) == ("fair", "spring", "interest")
    sale = next(fact for fact in a.facts if fact.type == "sold")
    assert sale.at == datetime(2026, 2, 11, 2, 30, tzinfo=UTC)
    assert (str(sale.amount), sale.product) == ("12.50 BRL", "p")
    assert b.stage == "lost"
    assert (c.stage, c.source) == ("mql", None)
    assert a.lead.identified
    assert {fact.by.kind for fact in a.facts} == {"importer"}
    assert {fact.recorded_at for fact in (*a.facts, *d.facts)} == {read(folder).observed_until}
    assert read(folder).playbook.fields["mail"].personal


def test_a_fact_before_entry_counts_at_entry_and_keeps_its_own_date(folder):
    d = read(folder).journeys[3]
    entered = datetime(2026, 2, 4, tzinfo=UTC)
    early = [fact for fact in d.facts if fact.before_entry]
    assert [fact.type for fact in early] == ["activity", "sold"]
    assert {fact.at for fact in early} == {entered}
    assert early[0].dated == datetime(2026, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a,01/02/2026,,,,,,,,extra", 2, "the row has 10 cells where the header has 9"),
        ("a,2026-02-01,,,,,,,", 2, "column 'created' does not hold a date of its format"),
        ("a,,,,,,,,", 2, "the entry date is blank"),
        ("a,01/02/2026,,,,,soon,,", 2, "column 'demo' does not hold a date of its format"),
        (",01/02/2026,,,,,,,", 2, "the lead's id is blank"),
        ("x" * 301 + ",01/02/2026,,,,,,,", 2, "the lead's id is too long or holds control characters"),
        ("a,01/02/1500,,,,,,,", 2, "column 'created' does not hold a date of its format"),
        ("b,01/02/2026,,,,,,,\nb,02/02/2026,,,,,,,", 3, "the lead has already entered on line 2"),
        ("b,01/02/2026,,,,,,,\nb,01/02/2026,,,,,,,", 3, "a copy of line 2"),
        ('"a\nb",01/02/2026,,,,,,,', 2, "the lead's id is too long or holds control characters"),
        ('a,"01/02/2026"x,,,,,,,', 2, "the row cannot be split into cells: ',' expected after '\"'"),
    ],
)
def test_a_row_that_cannot_be_read_is_set_aside_with_line_and_reason(folder, text, line, reason):
    head = LEADS.splitlines()[0]
    (folder / "leads.csv").write_text(f"{head}\n{text}\nok,05/02/2026,,,,,,,\n")
    export = read(folder)
    assert ("leads.csv", line, reason) in export.set_aside
    count = export.rows[0]
    assert count.used + count.refused + count.set_aside == count.read
    assert [journey.lead_id for journey in export.journeys][-1] == "ok"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("a,01/02/2026," + "x" * 301 + ",,,,,,", "channel"),
        ("a,01/02/2026,,,5,,,,", None),
        ("a,01/02/2026,,," + "x" * 10_001 + ",,,,", "value"),
    ],
)
def test_a_cell_that_fits_no_fact_sets_only_its_row_aside(folder, cell, message):
    head = LEADS.splitlines()[0]
    (folder / "leads.csv").write_text(f"{head}\n{cell}\nok,05/02/2026,,,,,,,\n")
    export = read(folder)
    reasons = [one.reason for one in export.set_aside if one.file == "leads.csv"]
    assert len(export.journeys) == (2 if message is None else 1)
    assert all("a value does not fit" in reason and message in reason for reason in reasons)


def test_two_sales_at_one_instant_are_two_and_a_copied_row_is_set_aside(folder):
    rows = "lead;sold;amount;product;order\n" + "a;2026-02-10 23:30;5;p;1\na;2026-02-10 23:30;5;p;2\n" * 2
    (folder / "sales.csv").write_text(rows)
    export = read(folder)
    assert sum(fact.type == "sold" for fact in export.journeys[0].facts) == 2
    assert [one.reason for one in export.set_aside] == ["a copy of line 2", "a copy of line 3"]


def test_a_column_may_have_two_meanings_with_two_formats(folder):
    text = MAPPING.replace('kind = "call"\nformat = "iso"', 'kind = "call"\nformat = "%Y-%d-%m"')
    text = text.replace('column = "called"', 'column = "demo"')
    (folder / "shop.toml").write_text(text)
    a = read(folder).journeys[0]
    assert {
        fact.type: fact.at.date().isoformat() for fact in a.facts if fact.type in ("activity", "stage_reached")
    } == {
        "activity": "2026-03-02",
        "stage_reached": "2026-02-03",
    }


def test_a_day_without_a_clock_is_not_before_an_entry_at_noon_of_it(folder):
    (folder / "shop.toml").write_text(MAPPING.replace('format = "%d/%m/%Y"', 'format = "%d/%m/%Y %H:%M"'))
    head = LEADS.splitlines()[0]
    (folder / "leads.csv").write_text(f"{head}\na,01/02/2026 12:00,,,,,2026-02-01,,2026-01-31\n")
    facts = read(folder).journeys[0].facts
    assert [fact.type for fact in facts if fact.before_entry] == ["activity"]


def test_a_row_without_a_lead_still_extends_the_observation(folder):
    (folder / "sales.csv").write_text("lead;sold;amount;product\nz;2026-12-31 10:00;3;q\n")
    export = read_export(load_mapping(folder / "shop.toml"), folder, now=datetime(2027, 1, 1, tzinfo=UTC))
    assert export.observed_until == datetime(2026, 12, 31, 13, tzinfo=UTC)


def test_a_row_that_is_not_utf8_is_set_aside(folder):
    head = LEADS.splitlines()[0].encode()
    rows = head + b"\n\xff\xfe,01/02/2026,,,,,,,\n\nok,05/02/2026,,,,,,,\n"
    (folder / "leads.csv").write_bytes(b"\xef\xbb\xbf" + rows.replace(b"\n", b"\r\n"))
    export = read(folder)
    assert export.set_aside[0] == ("leads.csv", 2, "the row is not valid UTF-8")
    assert [journey.lead_id for journey in export.journeys] == ["ok"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no header"),
        ('"id"x,created\n', "has no header"),
        ("id,created\n", "there is no column 'channel'"),
        (LEADS.replace("mail", "size", 1), "column 'size' occurs twice"),
        (LEADS.splitlines()[0] + "\n", "no row could be read"),
        ("caf\udce9," + LEADS, "header of 'leads.csv' is not valid UTF-8"),
        (LEADS.splitlines()[0] + "\na,,,,,,,,\n", "no row could be read"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_says_so(folder, content, message):
    (folder / "leads.csv").write_text(content, errors="surrogateescape")
    with pytest.raises(errors.Unreadable, match=message):
        read(folder)


def test_a_missing_file_is_named(folder):
    (folder / "sales.csv").unlink()
    with pytest.raises(errors.Unreadable, match=r"cannot read 'sales.csv'"):
        read(folder)


class TestDates:
    def test_a_column_proves_its_format(self):
        read = prove("c", ["01/02/2026", "13/02/2026"], UTC_ZONE)
        assert read("03/04/2026") == datetime(2026, 4, 3, tzinfo=UTC)
        assert prove("c", ["02/13/2026"], UTC_ZONE)("03/04/2026") == datetime(2026, 3, 4, tzinfo=UTC)
        assert prove("c", ["2026-02-01 10:30"], SAO_PAULO)("2026-02-01 10:30").hour == 13
        assert prove("c", ["2026-02-01T10:30:00+02:00"], SAO_PAULO)("2026-02-01T10:30:00+02:00").hour == 8
        assert prove("c", [], UTC_ZONE)("2026-02-01") == datetime(2026, 2, 1, tzinfo=UTC)

    def test_a_column_that_fits_day_first_and_month_first_alike_is_an_error(self):
        with pytest.raises(errors.AmbiguousDates, match="day-first .*%d/%m/%Y.* and month-first .*%m/%d/%Y.* alike"):
            prove("when", ["01/02/2026", "03/04/2026"], UTC_ZONE)

    def test_a_column_that_fits_nothing_is_an_error(self):
        with pytest.raises(errors.AmbiguousDates, match="no known date format fits every value"):
            prove("when", ["13/02/2026", "02/13/2026"], UTC_ZONE)

    def test_two_formats_with_the_same_meaning_are_not_ambiguous(self):
        assert prove("when", ["20260102"], UTC_ZONE)("20260102") == datetime(2026, 1, 2, tzinfo=UTC)
        with pytest.raises(errors.AmbiguousDates):
            prove("when", ["2026115"], UTC_ZONE)

    def test_a_column_of_equal_days_and_months_is_still_ambiguous(self):
        with pytest.raises(errors.AmbiguousDates, match="alike"):
            prove("when", ["05/05/2026"], UTC_ZONE)

    def test_offsets_are_read_and_never_swallowed(self):
        stamp = parser(check_format("%Y-%m-%d %H:%M:%S%z"), SAO_PAULO)("2026-01-01 10:00:00+02:00")
        assert stamp == datetime(2026, 1, 1, 8, tzinfo=UTC)
        for bad in ("%Y-%m-%d %H:%M:%SZ", "%Y-%m-%d %I:%M", "%Y-%m-%d %d"):
            with pytest.raises(Malformed):
                check_format(bad)
        assert check_format("%d/%m/%Y %I:%M %p")

    def test_formats_hold_a_whole_date(self):
        for form in CANDIDATES:
            assert check_format(form) == form
        for bad in ("%Y", "%H:%M", "", "{x}", "%d/%m", "%Q", "%Y-%m-%d%"):
            with pytest.raises(Malformed, match="whole date"):
                check_format(bad)

    def test_a_day_means_its_first_instant(self):
        assert parser("iso", SAO_PAULO)("2017-10-15") == datetime(2017, 10, 15, 3, tzinfo=UTC)

    def test_ambiguity_in_a_file_names_the_column(self, folder):
        text = MAPPING.replace('format = "%d/%m/%Y"\n', "")
        (folder / "shop.toml").write_text(text)
        with pytest.raises(errors.AmbiguousDates, match="'created'"):
            read(folder)


class TestMappings:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (("zone = ", "zoen = "), "zoen: there is no such key"),
            (('zone = "UTC"', 'zone = "Mars"'), "no such time zone"),
            (('zone = "UTC"', 'zone = "UTC"\npreset = "eight_stage"'), "exactly one of the two"),
            (('stage = "demo"', 'stage = "dmeo"'), "there is no stage 'dmeo'"),
            (("[tables.entry]", "[tables.extry]"), "extry"),
            (("[tables.entry]", '[tables.entry]\nstage = "demo"'), "stage 'demo' is not an entry stage"),
            (('file = "sales.csv"', 'file = "leads.csv"'), "a file is named twice"),
            (('file = "sales.csv"', 'file = "../sales.csv"'), "file: must be the name of a file"),
            (('file = "sales.csv"', 'file = "/etc/passwd"'), "file: must be the name of a file"),
            (('currency = "BRL"\n', ""), "amount and currency must be given together"),
            (('personal = ["mail"]', 'personal = ["mial"]'), "'mial' is not a mapped attribute"),
            (('target = "demo"', 'target = "dmeo"'), "'dmeo' is not declared"),
            (('guard = { op = "sold" }', 'guard = "os.system"'), "not text"),
            (('guard = { op = "sold" }', 'guard = { op = "custom_guard", name = "os.system" }'), "not bound"),
            (
                ('guard = { op = "sold" }', 'guard = { op = "evidence", name = "fit" }'),
                "evidence 'fit' is not declared",
            ),
            (('format = "iso"', 'format = "%H"'), "whole date"),
            (('fair = "interest"', 'fair = "nets and spears"'), "lead_types.fair"),
        ],
    )
    def test_each_fault_is_named(self, change, message):
        assert change[0] in MAPPING
        with pytest.raises(InvalidDefinition) as caught:
            parse_mapping(MAPPING.replace(*change, 1))
        assert message in re.sub(r" \(line \d+\)", "", str(caught.value))

    def test_an_attribute_is_mapped_once(self):
        with pytest.raises(InvalidDefinition, match="attribute 'size' is mapped twice"):
            parse_mapping(MAPPING + '[tables.attributes]\nsize = "product"\n')

    def test_exactly_one_table_has_the_entry(self):
        entry = '[tables.entry]\ncolumn = "created"\nformat = "%d/%m/%Y"\n'
        with pytest.raises(InvalidDefinition, match="exactly one table must have an entry column"):
            parse_mapping(MAPPING.replace(entry, ""))

    def test_a_preset_is_named_or_suggested(self):
        table = '[[tables]]\nfile = "x.csv"\nlead = "id"\n[tables.entry]\ncolumn = "d"\n'
        kinds = '[[tables.activities]]\ncolumn = "c"\nkind = "cal"\n'
        good = parse_mapping(f'id = "x"\nzone = "Europe/Berlin"\npreset = "eight_stage"\n{table}')
        assert good.playbook().zone == "Europe/Berlin"
        for text, message in (
            (f'id = "x"\nzone = "UTC"\npreset = "eigth_stage"\n{table}', "did you mean 'eight_stage'"),
            (f'id = "x"\nzone = "UTC"\npreset = "eight_stage"\n{table}stage = "nmae"\n', "did you mean 'name'"),
            (f'id = "x"\nzone = "UTC"\npreset = "eight_stage"\n{table}{kinds}', "did you mean 'call'"),
            (f'id = "x"\nzone = "UTC"\n{table}', "exactly one of the two"),
        ):
            with pytest.raises(InvalidDefinition, match=message):
                parse_mapping(text)

    def test_a_fault_inside_a_list_is_reported_once(self):
        table = '[[tables]]\nfile = "x.csv"\nlead = "id"\n[tables.extry]\ncolumn = "d"\n'
        with pytest.raises(InvalidDefinition) as caught:
            parse_mapping(f'id = "x"\nzone = "UTC"\npreset = "eight_stage"\n{table}')
        assert [(fault.path, fault.message) for fault in caught.value.faults] == [
            ("tables.0.extry (line 7)", "there is no such key")
        ]

    def test_a_table_without_a_source_gives_none(self, folder):
        source = '[tables.source]\nchannel = "channel"\ncampaign = "campaign"\n'
        (folder / "shop.toml").write_text(MAPPING.replace(source, ""))
        assert {journey.source for journey in read(folder).journeys} == {None}

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("id = = 1", "is not TOML: .*line 1"),
            ("id = 1\nid = 2", "is not TOML"),
            ("x = " + "[" * 5000, "nested too deep|is not TOML"),
            ("when = 2026-01-01", "when is a TOML date or time"),
            ("a = {b = [1, nan]}", "a.b.1 is not a finite number"),
            ("x = nan", "x is not a finite number"),
            ("x = inf", "x is not a finite number"),
            ("x = 1e999", "x is not a finite number"),
            (f"x = {'9' * 5000}", "a number of too many digits"),
        ],
    )
    def test_hostile_texts_are_unreadable(self, text, message):
        with pytest.raises(errors.Unreadable, match=message):
            parse_mapping(text)

    def test_hostile_files_are_unreadable(self, tmp_path):
        (tmp_path / "large.toml").write_text("#" * 1_000_001)
        (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
        for name, message in (("large", "larger than"), ("none", "cannot read"), ("bytes", "not valid UTF-8")):
            with pytest.raises(errors.Unreadable, match=message):
                load_mapping(tmp_path / f"{name}.toml")


def run(capsys, *arguments):
    code = main([str(one) for one in arguments])
    out, err = capsys.readouterr()
    return code, out, err


class TestCommand:
    def test_funnel_prints_a_table_and_what_became_of_the_rows(self, folder, capsys):
        code, out, err = run(capsys, "funnel", folder / "shop.toml", "--by", "source")
        assert (code, err) == (0, "")
        assert out.startswith("as of 2026-02-11 13:00 UTC, UTC")
        assert "sales.csv: 5 rows read, 1 used, 2 refused, 2 set aside" in out
        assert "set aside: sales.csv line 6: no lead of this id has entered" in out
        assert "! 2 leads with a sale never reached a won stage" in out
        assert "(blank)" in out

    def test_funnel_as_json_is_one_object(self, folder, capsys):
        code, out, _ = run(capsys, "funnel", folder / "shop.toml", "--data", folder, "--by", "size", "--json")
        answer = json.loads(out)
        assert code == 0
        assert set(answer) == {"as_of", "by", "total", "groups", "warnings", "rows", "set_aside", "refused", "doubtful"}
        assert set(answer["total"]) == {
            "key", "leads", "cycles", "reached", "won_standing", "won_ever", "rate", "low", "high", "rate_by_horizon", "days_to_won",
        }  # fmt: skip
        assert answer["rows"][1] == {"file": "sales.csv", "read": 5, "used": 1, "refused": 2, "set_aside": 2}
        assert [group["rate"] for group in answer["groups"]] == [None, None]
        assert {one["code"] for one in answer["warnings"]} == {
            "unused_rows", "right_censoring", "before_entry", "winners_only", "small_group", "sold_not_won",
        }  # fmt: skip

    def test_an_earlier_end_of_observation(self, folder, capsys):
        for given, leads in (("2026-02-02", 2), ("2026-02-02T00:00:00+00:00", 2), ("2026-01-01", 0)):
            _, out, _ = run(capsys, "funnel", folder / "shop.toml", "--as-of", given, "--json")
            assert json.loads(out)["total"]["leads"] == leads

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (["--by", "szie"], 1, "did you mean 'size'"),
            (["--as-of", "soon"], 2, "--as-of must be a date"),
            (["--as-of", "2026-02-02T10:00"], 2, "--as-of must be a date"),
            (["--as-of", "9999-12-31"], 2, "--as-of must be a date"),
            (["--data", "nowhere"], 2, "cannot read 'leads.csv'"),
        ],
    )
    def test_errors_have_their_exit_codes_and_no_traceback(self, folder, capsys, arguments, code, message):
        found, out, err = run(capsys, "funnel", folder / "shop.toml", *arguments)
        assert (found, out) == (code, "")
        assert err.startswith("leadlife: ")
        assert message in err
        found, out, _ = run(capsys, "funnel", folder / "shop.toml", *arguments, "--json")
        assert message in json.dumps(json.loads(out), ensure_ascii=False)

    def test_long_lists_of_rows_are_cut(self, folder, capsys):
        (folder / "sales.csv").write_text("lead;sold;amount;product\n" + "".join(f"z{n};;;\n" for n in range(15)))
        _, out, _ = run(capsys, "funnel", folder / "shop.toml")
        assert "... and 5 more; --json lists them all" in out
        assert "15 of 15 rows of sales.csv were refused or set aside" in out

    def test_progress_is_shown_when_asked_for(self, folder):
        seen = []
        head = LEADS.splitlines()[0]
        rows = "\n".join(f"n{n},01/02/2026,,,,,,," for n in range(1_001))
        (folder / "leads.csv").write_text(f"{head}\n{rows}\n")
        read_export(load_mapping(folder / "shop.toml"), folder, progress=lambda *pair: seen.append(pair))
        assert seen == [(500, 1_001), (1_000, 1_001)]
