"""What is expected of each type of lead is part of the agreement: checked, compared, written and read back."""

from __future__ import annotations

import pytest

from leadlife import diff
from leadlife.errors import Malformed
from leadlife.io.playbook_files import dump_playbook, load_playbook
from leadlife.money import Money
from leadlife.playbook.lead_type_profiles import LeadTypeProfile
from leadlife.presets import eight_stage, eight_stage_nurture


def test_playbooks_without_profiles_keep_their_digest_and_the_preset_marks_its_own_as_assumed():
    assert eight_stage().lead_types == ()
    profiles = eight_stage_nurture().lead_types
    assert {str(one.lead_type) for one in profiles} == {"cultivated", "interest", "targeted", "referral"}
    assert all(one.assumed for one in profiles)


def test_profiles_are_written_and_read_back(tmp_path):
    path = tmp_path / "book.json"
    path.write_text(dump_playbook(eight_stage_nurture()))
    assert load_playbook(path) == eight_stage_nurture()


def test_a_change_of_a_profile_is_a_difference():
    book = eight_stage_nurture()
    first, *others = book.lead_types
    other = book.replace(version="2", lead_types=[first.replace(close_rate=0.9), *others])
    assert "lead type" in str(diff(book, other))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LeadTypeProfile(lead_type="refferal"), "referral"),
        (lambda: LeadTypeProfile(lead_type="referral", close_rate=1.2), "close_rate"),
        (lambda: LeadTypeProfile(lead_type="referral", cost=Money.of(-1, "EUR")), "negative"),
        (
            lambda: LeadTypeProfile(lead_type="referral", cost=Money.of(1, "EUR"), value=Money.of(1, "USD")),
            "one currency",
        ),
        (lambda: eight_stage().replace(lead_types=[LeadTypeProfile(lead_type="referral")] * 2), "declared twice"),
        (
            lambda: eight_stage().replace(lead_types=[LeadTypeProfile(lead_type="referral", follow_up="x")]),
            "programme 'x' is not declared",
        ),
    ],
)
def test_bad_input_gets_a_clear_error(make, message):
    with pytest.raises(Malformed, match=message):
        make()
