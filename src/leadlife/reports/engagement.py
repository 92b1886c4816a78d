"""The agreement about engaging leads in words: programmes, contact rules, handoff, recycling, rewards, lead types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadlife.playbook.playbook import Playbook
    from leadlife.qualification.programmes import Programme, Touch
    from leadlife.timing import BusinessHours


def engagement_lines(playbook: Playbook) -> Iterator[tuple[str, list[str]]]:
    """Yield each section about engaging leads: its title, and its lines, which are not escaped yet."""
    for programme in playbook.programmes:
        yield f"Programme {programme.name}", list(_programme(programme))
    yield "Contact rules", list(_contact_rules(playbook))
    yield "Business hours", [f"{name}: {_hours(hours)}" for name, hours in playbook.business_hours.items()]
    yield "Handoff", list(_handoff(playbook))
    yield "Recycling", list(_recycling(playbook))
    yield "Rewards", list(_rewards(playbook))
    yield "Lead types", list(_lead_types(playbook))


def _programme(programme: Programme) -> Iterator[str]:
    if programme.meaning:
        yield programme.meaning
    yield f"for leads of whom this is true: {programme.audience.sentence()}"
    if programme.goal is not None:
        yield f"its goal: {programme.goal.sentence()}"
    if programme.exit is not None:
        yield f"it also ends when: {programme.exit.sentence()}"
    if programme.lasts is not None:
        yield f"it lasts at most {programme.lasts}"
    again = {"never": "a lead takes part once", "per_cycle": "a lead takes part once in each cycle"}
    yield again.get(str(programme.reentry), f"a lead may take part again {programme.reentry} after it left")
    if programme.priority:
        yield f"its priority is {programme.priority}; the larger goes first"
    if programme.holdout:
        yield f"{programme.holdout:.0%} of the leads are held out and sent nothing, for comparison"
    for number, touch in enumerate(programme.touches, start=1):
        yield f"touch {number}, {touch.name}: {', '.join(_touch(programme, touch))}"


def _touch(programme: Programme, touch: Touch) -> Iterator[str]:
    yield f"{programme.content_of(touch)} by {touch.channel}"
    yield "at once" if touch.wait is None else f"after {touch.wait}"
    if touch.when is not None:
        yield f"if {touch.when.sentence()}"
    if touch.window is not None:
        yield f"within {touch.window}"
    if touch.within is not None:
        yield f"of use for {touch.within}"
    if touch.operational:
        yield "operational"
    if touch.attempts > 1:
        again = "at once" if touch.retry_after is None else f"{touch.retry_after} after it failed"
        yield f"tried {touch.attempts} times at most, again {again}"


def _contact_rules(playbook: Playbook) -> Iterator[str]:
    rules = playbook.contact_rules
    for name, channel in playbook.channels.items():
        consent = "no consent needed" if channel.purpose is None else f"with consent to {channel.purpose}"
        yield f"{name}: {consent}, load {channel.load:g}{_meaning(channel.meaning)}"
    if rules is None:
        return
    if rules.meaning:
        yield rules.meaning
    zone = "in the playbook's zone" if rules.zone_field is None else f"by the lead's own clock, from {rules.zone_field}"
    yield f"times of day are {zone}"
    if rules.quiet is not None:
        yield f"nothing is sent from {rules.quiet.replace('-', ' to ')} of the lead's day"
    if rules.weekdays:
        yield f"only on {', '.join(rules.weekdays)}"
    if rules.minimum_gap is not None:
        yield f"at least {rules.minimum_gap} between two touches"
    for cap in rules.caps:
        yield f"{cap}, else {cap.on_breach}"
    tires = rules.fatigue
    if tires is not None:
        yield f"a lead rests at a load of {tires.rest_at:g}, which halves in {tires.half_life}"
    if tires is not None and tires.tired_at is not None:
        yield f"from a load of {tires.tired_at:g} on, its touches have a priority lower by {tires.lowers_by}"
    again = "never sent again" if rules.repeat_after is None else f"sent again after {rules.repeat_after}"
    yield f"the same content is {again}"


def _hours(hours: BusinessHours) -> str:
    week = "; ".join(f"{day} {', '.join(openings)}" for day, openings in hours.week.items())
    closed = f", closed on {', '.join(map(str, hours.holidays))}" if hours.holidays else ""
    return f"{week} in {hours.zone}{closed}"


def _handoff(playbook: Playbook) -> Iterator[str]:
    rules = playbook.handoff
    if rules is None:
        return
    if rules.meaning:
        yield rules.meaning
    for answer in rules.answer:
        whom = "" if answer.when is None else f" if {answer.when.sentence()}"
        yield f"an offered lead is answered within {answer.within}{f' of {answer.hours}' if answer.hours else ''}{whom}"
    then = {"return": "it goes back", "reoffer": "it is offered again", "escalate": f"it goes to {rules.escalate_to}"}
    yield f"without an answer, {then[rules.on_expiry]}; at most {rules.most_offers} offers"
    if rules.reasons:
        yield f"it may be rejected for: {', '.join(rules.reasons)}"
    if rules.acceptance is not None:
        yield f"{rules.acceptance[0]:.0%} to {rules.acceptance[1]:.0%} of the offers are to be accepted"


def _recycling(playbook: Playbook) -> Iterator[str]:
    for rule in playbook.recycling:
        parts = [] if rule.cool_down is None else [f"no return for {rule.cool_down}"]
        if rule.most_returns is not None:
            parts.append(f"at most {rule.most_returns} returns since the last win")
        if rule.scores != "keep":
            parts.append({"halve": "scores from before count half", "afresh": "scores start afresh"}[rule.scores])
        if rule.woken_by is not None:
            parts.append(f"a return at any time if {rule.woken_by.sentence()}")
        yield f"for {', '.join(rule.reasons)}: {'; '.join(parts) or 'as for any reason'}{_meaning(rule.meaning)}"


def _rewards(playbook: Playbook) -> Iterator[str]:
    for rule in playbook.rewards:
        most = "" if rule.most_rewards is None else f", at most {rule.most_rewards} times"
        back = "; taken back if that is refunded in full" if rule.clawback else ""
        what = f"{rule.amount} for a referred person who has paid for the first time"
        yield f"{rule.name}: {what}{most}{back}{_meaning(rule.meaning)}"


def _lead_types(playbook: Playbook) -> Iterator[str]:
    for one in playbook.lead_types:
        parts = [
            None if one.close_rate is None else f"{100 * one.close_rate:g} % are won",
            None if one.cycle_days is None else f"{one.cycle_days:g} days to the sale",
            None if one.effort_hours is None else f"{one.effort_hours} hours of effort",
            None if one.cost is None else f"{one.cost} a lead",
            None if one.value is None else f"{one.value} a sale",
            None if one.margin is None else f"{100 * one.margin:g} % of it left",
            None if one.follow_up is None else f"followed up by {one.follow_up}",
        ]
        known = ", ".join(part for part in parts if part is not None) or "nothing is expected"
        yield f"{one.lead_type}: {known}{', assumed' if one.assumed else ', measured'}{_meaning(one.meaning)}"


def _meaning(text: str) -> str:
    return f" ({text})" if text else ""
