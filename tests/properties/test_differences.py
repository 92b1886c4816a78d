"""The laws of the difference: none from itself, and every witness is answered differently by the two."""

from hypothesis import given, note, settings

from leadlife.checks import Bump, diff
from leadlife.checks.proofs import _BIT, _compiled, _key
from leadlife.checks.subjects import answer, subject_of
from leadlife.checks.walks import Walks
from leadlife.criteria import leaves_of
from leadlife.testing import playbooks


@given(playbooks())
def test_nothing_differs_from_itself(playbook):
    assert diff(playbook, playbook) == ((), (), (), Bump.NONE, {}, ())


def is_true(criterion, lead, playbook):
    leaves = list(leaves_of(criterion))
    places = {_key(leaf): place for place, leaf in enumerate(leaves)}
    answers = [0] * len(leaves)
    for leaf in leaves:
        subject = subject_of(leaf, playbook)
        answers[places[_key(leaf)]] = _BIT[answer(leaf, lead[subject], playbook) if subject in lead else None]
    return _compiled(criterion, places)(answers) == _BIT[True]


def fired(playbook, one, left):
    """What a playbook makes of a witness: where the trigger leads, or None, and whether the roles do."""
    for edge in Walks(playbook.lifecycle, playbook).candidates.get((one.stage, one.trigger), ()):
        if edge.left in (None, left) and all(is_true(guard, one.lead, playbook) for guard in edge.guards):
            asked = set(one.lead.get(("roles",), ()) or ())
            return True, edge.target, not edge.rule.roles or bool(asked & set(edge.rule.roles))
    return False, None, False


LIMITS = ("without a reason", "are over", "or more returns")


@settings(max_examples=150)
@given(playbooks(), playbooks())
def test_every_witness_is_answered_differently(before, after):
    found = diff(before, after)
    for legal, refuses, several in ((after, before, found.now_legal), (before, after, found.now_illegal)):
        for one in several:
            note(f"{one} {dict(one.lead)}")
            left = next((word.removesuffix(" was left") for word in one.witness if word.endswith(" was left")), None)
            assert fired(legal, one, left) == (True, one.target, True)
            limited = any(word.endswith(LIMITS) for word in one.witness)
            assert limited or fired(refuses, one, left) != (True, one.target, True)
    assert (found.version_bump is Bump.NONE) is (before == after)
