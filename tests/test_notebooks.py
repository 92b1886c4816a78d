"""What notebooks show: escaped, self-contained, without scripts."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from leadlife import ActivityRecorded, EvidenceGiven, FieldSpec, Journey, Lifecycle, Playbook, Points, Stage, Transition
from leadlife.criteria import evidence, identified
from leadlife.lifecycle import Route, StageStatus, StageType, TransitionKind  # fmt: skip
from leadlife.presets import eight_stage

T = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
EVIL = '<script>alert("x")</script> & <img src=x>'


class Whole(HTMLParser):
    """Reads a page, and knows whether every tag is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert {name for name, _ in attrs} <= {"style"}
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def walked():
    ada = Journey.start("ada", eight_stage(), stage="name", at=T)
    ada = ada.record(ActivityRecorded(kind="call", at=T + DAY)).move("engage", at=T + DAY)
    ada = ada.record(EvidenceGiven(name="fit", at=T + 3 * DAY)).move("fit", at=T + 3 * DAY)
    return ada.tick(T + 9 * DAY)


GATE = Stage(id="sort", type=StageType.GATE, routes=(Route(guard=identified(), target="a"),), default="won")
LIFE = Lifecycle(
    stages=(Stage(id="a", label=EVIL, meaning=EVIL), GATE, Stage(id="won", status=StageStatus.WON)),
    transitions=(Transition(trigger="go", sources="a", target="sort", kind=TransitionKind.FORWARD), Transition(trigger="note", sources="a", kind=TransitionKind.SKIP)),
)  # fmt: skip
BOOK = Playbook(
    id="x", lifecycle=LIFE, fields={"email": FieldSpec(personal=True)}, evidence={"fit": EVIL, "plain": ""},
    scores=(Points(name="p", rules=()),),
)  # fmt: skip


@pytest.mark.parametrize(
    "shown",
    [
        eight_stage(),
        eight_stage().lifecycle,
        LIFE,
        BOOK,
        walked(),
        Journey("nobody yet", eight_stage()),
        Journey.start("bo", BOOK, at=T),
        *walked().options(at=T + 9 * DAY)[:4],
        walked().verdict((evidence("fit") & evidence("mql")) | identified(), at=T + 9 * DAY),
    ],
)
def test_what_is_shown_is_whole_and_harmless(shown):
    page = shown._repr_html_()
    reader = Whole()
    reader.feed(page)
    assert not reader.open
    assert reader.tags <= {"div", "table", "tr", "td", "th", "br", "span"}
    assert "url(" not in page
    assert "http" not in page


def test_a_timeline_lies_in_time():
    page = walked()._repr_html_()
    places = [float(found) for found in re.findall(r"margin-left:([\d.]+)%", page)]
    widths = [float(found) for found in re.findall(r";width:([\d.]+)%", page)]
    assert places == pytest.approx([0, 100 / 9, 300 / 9], abs=0.01)
    assert widths == pytest.approx([100 / 9, 200 / 9, 600 / 9], abs=0.01)
    assert "2026-03-03, 2.0 days, cycle 1" in page


def test_a_playbook_tells_its_words():
    page = BOOK._repr_html_()
    for told in ("email: text, personal", "p (version 1)", "else to won", "note to where it is", "plain"):
        assert told in page
    assert "cool-down 30 days" in eight_stage()._repr_html_()
