"""The strategies serve anybody's playbook, however few words it has."""

from hypothesis import given
from hypothesis import strategies as st

from leadlife import Lifecycle, Playbook, Stage, Transition
from leadlife.testing import fact_drafts, histories

RULES = (Transition(trigger="win", sources="open", target="won", kind="forward"),)
BARE = Playbook(
    id="bare", lifecycle=Lifecycle(stages=(Stage(id="open"), Stage(id="won", status="won")), transitions=RULES)
)


@given(st.data())
def test_a_bare_playbook_has_facts_and_histories(data):
    draft = data.draw(fact_drafts(BARE))
    assert draft.type not in ("activity", "evidence", "attribute")
    assert data.draw(histories(BARE)).playbook is BARE
