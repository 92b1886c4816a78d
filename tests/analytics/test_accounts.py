"""The leads of a company are seen as one account, and as one group of buyers."""

import pytest

from leadlife import FieldSpec, Journey, Lead, Malformed
from leadlife.analytics.accounts import roll_up
from leadlife.presets import eight_stage
from stores.worlds import MARKETING, SALES, T, days, hours

PLAYBOOK = eight_stage().with_fields(company=FieldSpec(), role=FieldSpec())


def lead(name, company, role=None, stage="name", **more):
    fields = {key: value for key, value in (("company", company), ("role", role)) if value is not None}
    return Journey.start(Lead(id=name, fields=fields), PLAYBOOK, at=T, stage=stage, **more)


def test_leads_of_one_company_are_an_account():
    far = lead("ada", "Acme", "user", "awareness", evidence=["fit"]).grant("mql", at=hours(1), by=MARKETING)
    lost = lead("bob", "Acme", "buyer").move("disqualify", reason="poor fit", at=days(1), by=SALES)
    journeys = [lost, far, lead("cyd", "Bolt"), lead("eve", None), lead("fay", "Acme", stage="name")]
    acme, bolt = roll_up(journeys, account="company", role="role")
    assert (acme.name, acme.leads, bolt.leads) == ("Acme", ("bob", "ada", "fay"), ("cyd",))
    assert acme.furthest.lead_id == "fay"
    assert acme.stages == {"disqualified": 1, "awareness": 1, "name": 1}
    assert acme.qualifications == {"mql": ("ada",)}
    assert acme.roles == {"buyer": ("bob",), "user": ("ada",)}
    assert acme.missing(["buyer", "user", "signer"]) == ("signer",)
    assert (acme.wins, bolt.wins) == (0, 0)


def test_a_function_names_the_account():
    accounts = roll_up(
        [lead("a@acme", None), lead("b@acme", None)], account=lambda journey: journey.lead_id.split("@")[1]
    )
    assert [(one.name, len(one.journeys)) for one in accounts] == [("acme", 2)]
    assert accounts[0].roles == {}


def test_a_customer_stands_furthest():
    from leadlife import Sold

    customer = lead("ada", "Acme", stage="awareness", evidence=["fit", "mql", "sql"]).record(Sold(at=hours(1)))
    (acme,) = roll_up([customer, Journey("nobody", PLAYBOOK)], account=lambda _: "Acme")
    assert acme.furthest is customer
    (empty,) = roll_up([Journey("nobody", PLAYBOOK)], account=lambda _: "Acme")
    assert (empty.furthest, empty.stages) == (None, {})


def test_what_cannot_be_rolled_up():
    with pytest.raises(Malformed, match="name of a field"):
        roll_up([], account=7)
    with pytest.raises(Malformed, match="must hold Journeys only"):
        roll_up(["ada"], account="company")
