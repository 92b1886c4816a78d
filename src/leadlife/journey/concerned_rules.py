"""Which rules an activity concerns: most activities change no rule, and nothing is evaluated for them.

An activity is read by the rules whose scores it raises, but it rarely raises one across a threshold. So each rule keeps
how far its scores may still rise, see :mod:`leadlife.qualification.room`, and is left out until they have.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from leadlife._base.model import LATEST
from leadlife.journey.records import RuleState
from leadlife.journey.state import Position, RuleStates, State
from leadlife.journey.view import JourneyView
from leadlife.qualification.room import ENDLESS, room_of
from leadlife.qualification.rule_index import IndexedRule
from leadlife.timing import due, earliest

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from leadlife.playbook.registry import RegisteredPlaybook


class ConcernedRules(NamedTuple):
    """The rules that a fact concerns, as bits.

    Attributes:
        waiting: Those whose answer it may change.
        confirmed: Those that it may confirm.
        renewing: Those whose answer stays, and which hold longer because it has confirmed them.
        view: What was looked at to find them, if that was necessary.
    """

    waiting: int
    confirmed: int
    renewing: int
    view: JourneyView | None


def concerned_rules(
    state: State, position: Position, rules: RuleStates, at: datetime, kind: str
) -> tuple[ConcernedRules, RuleStates]:
    """Return the rules that an activity of a kind concerns, and where all rules stand then.

    Left out are those whose scores it cannot raise enough. When a rule is evaluated, it is noted how far its scores may
    rise before its answer may be another one; of a rule that does not hold yet, that is noted anew when they have risen
    so far. What time alone changes until then is looked at besides.
    """
    index, view = position.playbook.rule_index, None
    waiting, confirmed = index.of_activity(kind)
    maybe, renewing = waiting & index.by_score.get(kind, 0), 0
    noted: dict[str, RuleState] = {}
    while maybe:
        lowest, rule = index.first(maybe)
        maybe ^= lowest
        known = rules.by_name.get(rule.name)
        # A rule that was never evaluated reads nothing that is known, but for such activities.
        room = rule.room if known is None else known.room
        offered = state.memory.offered(rule.rises) if room else 0
        if known is not None and offered > room and not known.held and not position.scores_cut:
            view = view or view_for_rules(state, at)
            room = _room_below(rule, view)
            if room:
                room = min(offered + room, ENDLESS)
                noted[rule.name] = known._replace(room=room)
        if room and offered <= room:
            waiting ^= lowest
            if known is not None and known.held and confirmed & lowest and rule.definition.valid_for is not None:
                renewing |= lowest
    if noted:
        rules = state.rules = rules._replace(by_name={**rules.by_name, **noted})
    return ConcernedRules(waiting, confirmed, renewing, view), rules


def view_for_rules(state: State, at: datetime) -> JourneyView:
    """Return what rules read of a lead: sums of scores without their lines, as of the last fact or review."""
    return JourneyView(state, at, (), brief=True, for_rules=True)


def _room_below(rule: IndexedRule, view: JourneyView) -> int:
    """Return by how much the scores of a rule that does not hold may rise until it may; 0 where that is not sure.

    No code of one's own is asked here: a rule that reads any has no room.
    """
    enter = rule.definition.enter
    return 0 if enter is None or enter.predicate(view) is True else room_of(enter, view)


def only_renews(state: State, position: Position, rules: RuleStates, at: datetime, concerned: ConcernedRules) -> bool:
    """Return whether an activity surely leaves every answer as it is, as most do; rules then hold longer at most."""
    if (
        concerned.waiting
        or (rules.look_again is not None and rules.look_again <= at)
        or position.waits
        or position.stage in position.playbook.rule_index.automatic
    ):
        return False
    if not concerned.renewing:
        return True
    renewed, lapsing = renewed_states(rules.by_name, position.playbook, concerned.renewing, at)
    if rules.timer is None or rules.look_again is None or max(rules.timer.at, rules.look_again) >= lapsing:
        return False  # when time alone changes something must be found anew
    state.rules = rules._replace(by_name=renewed)
    return True


def renewed_states(
    states: Mapping[str, RuleState], playbook: RegisteredPlaybook, renewing: int, at: datetime
) -> tuple[dict[str, RuleState], datetime]:
    """Return the states of the rules when some hold longer, and when the first of those would have lapsed."""
    renewed, lapsing = dict(states), LATEST
    while renewing:
        lowest, rule = playbook.rule_index.first(renewing)
        renewing ^= lowest
        known = renewed[rule.name]
        lapsing = lapsing if known.expires is None else min(lapsing, known.expires)
        renewed[rule.name] = renewed_rule(rule, known, at, playbook.zone_info)
    return renewed, lapsing


def renewed_rule(rule: IndexedRule, known: RuleState, at: datetime, zone: ZoneInfo) -> RuleState:
    """Return the state of a rule that a fact has confirmed: it holds longer."""
    if rule.definition.valid_for is None or rule.programme is not None:
        return known  # a programme lasts from when it was entered
    until = end_of_validity(rule, at, zone)
    return known._replace(expires=until if known.expires is None or until is None else max(known.expires, until))


def end_of_validity(rule: IndexedRule, at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return until when a rule holds that a fact confirms at an instant; None where it holds for good."""
    valid_for = rule.definition.valid_for
    return None if valid_for is None else earliest((due(at, valid_for, zone),))
