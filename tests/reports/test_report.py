"""The report is one page that needs nothing else, for whoever reads it: on a phone, on a screen, on paper."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html import escape
from html.parser import HTMLParser

import pytest

pytest.importorskip("altair", reason="a report needs altair")
pytest.importorskip("vl_convert", reason="a report needs vl-convert")

from leadlife.cli import main
from leadlife.economics import Spend, cohorts
from leadlife.errors import Malformed, MissingExtra
from leadlife.reports.report import lead_report
from reference.money_leads import BOOK, DAY, T0, Made, eur

NOW = T0 + 120 * DAY
SPEND = [Spend.month("2026-01", eur("900.00"), source="ads"), Spend.month("2026-02", eur(5))]
CHROMIUM = shutil.which("chromium")


def leads():
    found = []
    for number in range(40):
        made = Made(f"lead-{number:02}", day=number * 2, source="ads" if number % 3 else "search")
        ends = {0: made.won, 1: made.lost}.get(number % 4)
        found.append((ends(number * 2 + 12) if ends else made).journey)
    recycled = Made("back", day=3).opportunity(5).recycled(6).won(90, "80.00")
    return [*found, recycled.journey]


class Outline(HTMLParser):
    """What stands in a page: its headings, how many charts and tables, and whatever it would load or run."""

    def __init__(self):
        super().__init__()
        self.headings, self.counts, self.loads, self._heading = [], {}, [], False

    def handle_starttag(self, tag, attributes):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self._heading = tag == "h2"
        named = dict(attributes)
        self.loads += [named[name] for name in ("src", "href") if named.get(name, "#")[:1] != "#"]

    def handle_data(self, data):
        if self._heading:
            self.headings.append(data)
            self._heading = False


def outline(text):
    found = Outline()
    found.feed(text)
    return found


def page(**more):
    return lead_report(leads(), as_of=NOW, spend=SPEND, margin="0.4", title="Our <leads>", label="made up", **more)


def test_every_section_is_there_with_a_table_beside_each_chart():
    found = outline(page())
    assert found.headings == [
        "In short",
        "Funnel",
        "Time in stage",
        "Cohorts",
        "Returns by source",
        "Shelf life of spend",
        "Forecast",
        "Work list",
        "Warnings",
    ]
    assert (found.counts["svg"], found.counts["details"]) == (6, 7)
    assert found.counts["table"] == 9
    assert "script" not in found.counts
    assert found.loads == ["data:,"]


def test_the_page_says_what_matters_in_plain_words():
    text = page()
    for words in (
        "41 leads came, and 11 of them are won so far",
        "compare with this rate, not with the one above",
        "80.00 of it after recycling",
        "A customer is cheapest from ads",
        "As of 2026-05-05 09:00 UTC. Made up.",
        "5.00 of the cost belongs to no group.",
    ):
        assert words in text, words


def test_names_from_the_data_cannot_change_the_page():
    odd = Made("<script>alert(1)</script>", fields={"region": "<b>\x1b"}, source="</style>").journey
    text = lead_report([odd, *leads()], as_of=NOW, by="region", title="<i>", label="<u>", notes=["<script>"])
    assert "<script>alert" not in text
    assert "<script>" not in text.replace("&lt;script&gt;", "")
    assert "\x1b" not in text


def test_what_the_data_cannot_bear_is_said_instead_of_shown():
    text = lead_report([Made("a").journey], as_of=NOW)
    assert "Not shown: no lead has been won so far" in text
    assert "Not shown: no spend was given." in text
    silent = lead_report(leads(), as_of=NOW, spend=SPEND)
    assert "Not shown: a sale or refund says nothing of its margin" in silent
    assert "What a customer costs is not known for all sources" in lead_report(leads(), as_of=NOW)


def test_many_groups_are_cut_and_counted():
    several = [Made(f"l{number}", fields={"region": f"r{number}"}).journey for number in range(25)]
    text = lead_report(several, as_of=NOW, by="region", playbook=BOOK, spend=SPEND)
    assert "5 smaller groups are in the total only." in text


def test_a_lead_that_waits_for_ever_is_told_in_the_forecast():
    text = lead_report([*leads(), Made("old", day=-400).journey], as_of=NOW)
    assert "1 leads have stayed longer than any stay shows, and count as not won." in text


def test_cohorts_by_month_show_what_is_still_to_come():
    january, february, march = cohorts(leads(), as_of=NOW)
    assert (f"{january.month:%Y-%m}", january.leads + february.leads + march.leads) == ("2026-01", 41)
    assert january.won + february.won + march.won == 11
    assert january.low < january.rate < january.high
    assert january.developed >= march.developed
    assert march.matured_won >= march.won
    assert cohorts([Made("a").journey], as_of=NOW)[0].matured_won is None
    with pytest.raises(Malformed):
        cohorts([], as_of=NOW)


def test_without_altair_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    monkeypatch.delitem(sys.modules, "leadlife.reports.report_charts", raising=False)
    monkeypatch.delattr("leadlife.reports.report_charts", raising=False)
    with pytest.raises(MissingExtra, match=r"leadlife\[report\]"):
        page()


def test_the_command_writes_a_page_from_facts_with_spend(tmp_path, capsys):
    facts = tmp_path / "facts.jsonl"
    lines = [fact for journey in leads() for fact in journey.facts]
    facts.write_text("".join(f"{fact.model_dump_json(exclude_none=True)}\n" for fact in lines))
    spend = tmp_path / "spend.csv"
    spend.write_text("month,source,amount\n2026-01,ads,900\nnever,ads,5\n")
    book = tmp_path / "book.json"
    from leadlife.io.playbook_files import dump_playbook

    book.write_text(dump_playbook(BOOK))
    out = tmp_path / "page.html"
    asked = ["report", str(facts), "--playbook", str(book), "--spend", str(spend), "--currency", "EUR"]
    assert main([*asked, "--margin", "0.4", "-o", str(out), "--as-of", "2026-05-05"]) == 1
    told = capsys.readouterr()
    assert "41 leads as of 2026-05-05" in told.out
    assert "! 1 of 2 rows of spend could not be read" in told.out
    assert "line 3: a month is written like 2026-02" in told.err
    assert "1 of 2 rows of spend could not be read" in out.read_text()
    assert main(["report", str(facts), "--playbook", str(book), "-o", str(out)]) == 0
    broken = tmp_path / "broken.jsonl"
    broken.write_text(facts.read_text() + "{}\n")
    assert main(["report", str(broken), "--playbook", str(book), "-o", str(out)]) == 1
    assert main(["report", str(facts), "-o", str(out)]) == 2
    assert "needs its playbook" in capsys.readouterr().err
    assert main(["report", str(facts), "--playbook", str(book), "-o", str(tmp_path / "none" / "x.html")]) == 2
    empty = tmp_path / "empty.jsonl"
    empty.write_text("{}\n")
    assert main(["report", str(empty), "--playbook", str(book), "-o", str(out)]) == 2
    assert "holds no lead that can be read" in capsys.readouterr().err


def test_the_command_reads_a_mapping(tmp_path, capsys, shared_data):
    out = tmp_path / "olist.html"
    assert main(["report", "examples/olist/olist.toml", "--data", str(shared_data / "olist"), "-o", str(out)]) == 0
    assert "8,000 leads as of 2018-11-14" in capsys.readouterr().out
    assert "early sales are probably missing" in out.read_text()


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [360, 1400])
def test_the_page_opens_without_errors_and_fits(tmp_path, width):
    # A headless window is 500 pixels wide at least, so the page stands in a frame of the width that is asked for.
    frame = f'<iframe srcdoc="{escape(page())}" width="{width}" height="900" style="border:0" id="f"></iframe>'
    reads = (
        "<script>document.getElementById('f').onload = event => { const page = event.target.contentDocument;"
        "const all = [...page.querySelectorAll('section')].every(one => one.getBoundingClientRect().width > 100);"
        "document.title = JSON.stringify([page.documentElement.scrollWidth, page.documentElement.clientWidth, all]); };</script>"
    )
    (tmp_path / "frame.html").write_text(f"<title></title>{frame}{reads}")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--virtual-time-budget=4000",
        "--window-size=1600,1000", "--dump-dom", (tmp_path / "frame.html").as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
    wide, inner, whole = re.search(r"\[(\d+),(\d+),(true|false)\]", done.stdout).groups()
    assert (int(wide), whole) == (int(inner), "true"), "nothing sticks out, and every section shows"
    assert "CONSOLE" not in done.stderr


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_page_prints(tmp_path):
    (tmp_path / "page.html").write_text(page())
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={tmp_path / 'page.pdf'}",
        (tmp_path / "page.html").as_uri(),
    ]  # fmt: skip
    subprocess.run(command, capture_output=True, check=True, timeout=90)
    pdf = (tmp_path / "page.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert 1 < len(re.findall(rb"/Type\s*/Page\b", pdf)) < 20
