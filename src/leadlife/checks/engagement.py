"""Findings about engaging leads: programmes that nobody enters, touches without a time, rewards without an end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from leadlife.checks.finding import Code, Finding
from leadlife.checks.proofs import MOST_QUESTIONS, Goal, Proof, together
from leadlife.criteria import CustomGuard, leaves_of
from leadlife.playbook.engagement import engagement_criteria
from leadlife.timing import Calendar, Elapsed

if TYPE_CHECKING:
    from datetime import timedelta

    from leadlife.playbook.playbook import Playbook
    from leadlife.qualification.programmes import Programme, Touch


def engagement_findings(playbook: Playbook) -> Iterator[Finding]:
    """Yield every finding about programmes, contact rules, handoff and rewards."""
    for place, programme in enumerate(playbook.programmes):
        path = f"programmes.{place}"
        yield from _entering(path, programme, playbook)
        yield from _leaving(path, programme)
        yield from _touches(path, programme, playbook)
    yield from _handoff(playbook)
    for place, reward in enumerate(playbook.rewards):
        if reward.most_rewards is None:
            message = f"one customer may earn the reward {reward.name!r} any number of times"
            yield Finding(Code.ENDLESS_REWARD, f"rewards.{place}", message, (), "give it most_rewards")
    for path, criterion in engagement_criteria(playbook):
        for leaf in leaves_of(criterion):
            if isinstance(leaf, CustomGuard):
                message = f"{leaf.name!r} is code: it runs after every fact, and the checker proves nothing about it"
                yield Finding(Code.CUSTOM_GUARD, path, message, (), "write it as a criterion where you can")


def _entering(path: str, programme: Programme, playbook: Playbook) -> Iterator[Finding]:
    rule = programme.rule
    goals = [Goal(programme.audience, true=True)]
    alone = together(goals, playbook)
    found = alone if rule.leave is None else together([*goals, Goal(rule.leave, true=False)], playbook)
    if Proof.NOT_DECIDED in (alone.proof, found.proof):
        message = f"its criteria ask more than {MOST_QUESTIONS} questions, so entering is not checked"
        yield Finding(Code.NOT_DECIDED, path, message, (), "ask fewer questions")
    elif alone.proof is Proof.IMPOSSIBLE:
        message = f"no lead can be in the audience of {programme.name!r}: {programme.audience.sentence()}"
        yield Finding(Code.NEVER_TRUE, f"{path}.audience", message, (), "loosen it, or remove the programme")
    elif found.proof is Proof.IMPOSSIBLE:
        message = f"nobody enters {programme.name!r}: whoever is in its audience has met its goal or exit"
        yield Finding(
            Code.NEVER_TRUE, f"{path}.audience", message, (), "let the audience and the end exclude each other"
        )


def _leaving(path: str, programme: Programme) -> Iterator[Finding]:
    if programme.goal is None and programme.exit is None and programme.lasts is None:
        message = f"{programme.name!r} has no goal, no exit and no duration: it ends only when its audience does"
        hint = "say what it is for in goal=, and what else ends it in exit="
        yield Finding(Code.NO_PROGRAMME_EXIT, path, message, (), hint)


def _touches(path: str, programme: Programme, playbook: Playbook) -> Iterator[Finding]:
    rules = playbook.contact_rules
    for place, touch in enumerate(programme.touches):
        where = f"{path}.touches.{place}"
        if touch.operational or rules is None:
            continue
        if not _may_be_sent(touch, playbook):
            message = f"{touch.name!r} is never sent: its window, quiet hours and weekdays leave no time"
            yield Finding(Code.NEVER_OPEN, where, message, (), "widen its window, or shorten the quiet hours")
        load, fatigue = playbook.channels[touch.channel].load, rules.fatigue
        if fatigue is not None and load > fatigue.rest_at:
            message = f"{touch.name!r} has a load of {load:g}, and a lead rests from {fatigue.rest_at:g} on"
            yield Finding(Code.TOUCH_IMPOSSIBLE, where, message, (), "lower the load of its channel, or raise rest_at")
    gap = None if rules is None or rules.minimum_gap is None else _bounds(rules.minimum_gap)[0]
    for number, (_, touch) in enumerate(pairwise(programme.touches), start=1):
        latest = None if touch.within is None else _bounds(touch.wait)[1] + _bounds(touch.within)[1]
        if gap is not None and latest is not None and gap >= latest and not touch.operational:
            message = f"{touch.name!r} is too late whenever it is allowed: the gap is longer than its wait and its use"
            yield Finding(
                Code.TOUCH_IMPOSSIBLE, f"{path}.touches.{number}", message, (), "lengthen its wait or its use"
            )


def _bounds(duration: object) -> tuple[timedelta, timedelta]:
    if isinstance(duration, Elapsed | Calendar):
        return duration.bounds()
    nothing = Elapsed(microseconds=0).bounds()
    # Business hours may take any time, so they prove nothing.
    return nothing if duration is None else (nothing[0], Calendar(months=1_200).bounds()[1])


def _may_be_sent(touch: Touch, playbook: Playbook) -> bool:
    """Return whether a week has a minute in which all windows are open."""
    from leadlife.timing.windows import SendWindow, ever_open, quiet_spans  # noqa: PLC0415 - not for most playbooks

    rules = playbook.contact_rules
    several = [] if touch.window is None else [touch.window.spans]
    if rules is not None and rules.quiet is not None:
        several.append(quiet_spans(rules.quiet))
    if rules is not None and rules.weekdays:
        several.append(SendWindow(weekdays=rules.weekdays).spans)
    return ever_open(tuple(several))


def _handoff(playbook: Playbook) -> Iterator[Finding]:
    rules = playbook.handoff
    if rules is not None and not any(answer.when is None for answer in rules.answer):
        message = "an offered lead may have no deadline: no answer time is for all leads"
        yield Finding(Code.NO_DEADLINE, "handoff.answer", message, (), "add a last answer time without a when")
