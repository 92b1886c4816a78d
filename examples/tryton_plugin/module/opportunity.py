# SPDX-License-Identifier: GPL-3.0-or-later
"""Sale opportunities that move by a playbook, and keep their facts."""

import json
from datetime import UTC, datetime

from leadlife import Actor, EvidenceGiven, Journey, LeadlifeError, load_fact
from trytond.exceptions import UserError
from trytond.model import ModelSQL, ModelView, Unique, fields
from trytond.pool import Pool, PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction

from .playbook import REASONS, playbook


def now():
    """Return the clock of the server."""
    return datetime.now(UTC)


class Opportunity(metaclass=PoolMeta):
    """Let an opportunity move by the playbook."""

    __name__ = "sale.opportunity"

    fits = fields.Boolean("Fits our audience", help="Only what fits becomes an opportunity.")
    move_reason = fields.Selection(
        [(None, ""), *((one, one.capitalize()) for one in REASONS)],
        "Reason",
        sort=False,
        help="Why the next move is made.",
    )
    facts = fields.One2Many("sale.opportunity.fact", "opportunity", "Facts", readonly=True)
    explanation = fields.Function(fields.Text("Explanation"), "get_explanation")

    @property
    def journey(self):
        """The journey of the opportunity: its facts, replayed through the playbook."""
        facts = [load_fact(fact.body) for fact in self.facts]
        return Journey.replay(facts, playbook()) if facts else Journey(str(self), playbook())

    def get_explanation(self, name):
        return str(self.journey.explain())

    @classmethod
    def create(cls, vlist):
        opportunities = super().create(vlist)
        for opportunity in opportunities:
            journey = opportunity.journey
            stage = "lead" if opportunity.state == "lead" else None
            if stage is None:
                raise UserError("An opportunity begins as a lead.")
            begun = Journey.start(journey.lead_id, playbook(), at=now(), stage=stage, by=cls._actor())
            if opportunity.fits:
                begun = begun.record(EvidenceGiven(name="fit", at=now(), by=cls._actor()))
            cls._keep(opportunity, begun, 0)
        return opportunities

    @classmethod
    def write(cls, *args):
        """Check every change of the state, whoever makes it, before it is written; then keep the facts."""
        changed = []
        actions = iter(args)
        for opportunities, values in zip(actions, actions, strict=True):
            for opportunity in opportunities:
                journey = opportunity.journey
                after = cls._changed(opportunity, journey, values)
                if after is not journey:
                    changed.append((opportunity, after, journey.version))
        super().write(*args)
        for opportunity, journey, version in changed:
            cls._keep(opportunity, journey, version)

    @classmethod
    def _changed(cls, opportunity, journey, values):
        """Return the journey after new values, or tell the user why it may not be."""
        if not journey.version:  # it was there before the module was installed
            journey = Journey.start(journey.lead_id, playbook(), at=now(), stage=opportunity.state, by=cls._actor())
        fits = values.get("fits", opportunity.fits)
        if fits != opportunity.fits:
            journey = journey.record(EvidenceGiven(name="fit", value=bool(fits), at=now(), by=cls._actor()))
        state = values.get("state", opportunity.state)
        if state == journey.stage:
            return journey
        reason = values.get("move_reason", opportunity.move_reason)
        if reason is None and state == "lost" and journey.stage == "converted":
            reason = "sale cancelled"  # Tryton itself loses what was converted, once its sales are cancelled
        try:
            return journey.move(f"{journey.stage} to {state}", at=now(), by=cls._actor(), reason=reason)
        except LeadlifeError as error:
            raise UserError(error.message, error.hint) from error

    @classmethod
    def _keep(cls, opportunity, journey, version):
        Fact = Pool().get("sale.opportunity.fact")
        Fact.create(
            [
                {"opportunity": opportunity.id, "number": fact.seq, "type": fact.type, "body": json.dumps(fact.dump())}
                for fact in journey.facts[version:]
            ]
        )

    @classmethod
    def _actor(cls):
        User = Pool().get("res.user")
        user = User(Transaction().user)
        with Transaction().set_user(0):
            groups = [group.name for group in getattr(user, "groups", ())]
        return Actor(id=user.login or "system", roles=groups)


class Fact(ModelSQL, ModelView):
    "Fact of an Opportunity"

    __name__ = "sale.opportunity.fact"

    opportunity = fields.Many2One("sale.opportunity", "Opportunity", required=True, ondelete="CASCADE")
    number = fields.Integer("Number", required=True)
    type = fields.Char("Type", required=True)
    body = fields.Text("Content", required=True, states={"invisible": Eval("id", -1) < 0})

    @classmethod
    def __setup__(cls):
        super().__setup__()
        table = cls.__table__()
        # Two writers who read the same facts never both keep theirs.
        cls._sql_constraints = [("fact_once", Unique(table, table.opportunity, table.number), "ir.msg_id_exist")]
        cls._order.insert(0, ("number", "ASC"))
