"""Smaller lives: what is left of a life without one of its parts, for a divergence that a person can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from leadlife.errors import InvalidDefinition
from leadlife.playbook.playbook import Playbook
from reference.lives import Life


def smaller(life: Life) -> Iterator[Life]:
    """Yield lives that are a little smaller: without one fact, one rule, one transition, one limit, one criterion."""
    for place in range(len(life.drafts)):
        yield replace(life, drafts=(*life.drafts[:place], *life.drafts[place + 1 :]))
    if len(life.playbooks) > 1:
        yield replace(life, playbooks=life.playbooks[:1])
    for place in range(len(life.instants)):
        yield replace(life, instants=(*life.instants[:place], *life.instants[place + 1 :]))
    for number, playbook in enumerate(life.playbooks):
        for change in _less(playbook):
            try:
                changed = change()
            except InvalidDefinition:
                continue
            yield replace(life, playbooks=(*life.playbooks[:number], changed, *life.playbooks[number + 1 :]))


def _less(playbook: Playbook) -> Iterator[Callable[[], Playbook]]:
    moves, stages, rules = playbook.lifecycle.transitions, playbook.lifecycle.stages, playbook.qualifications

    def with_moves(changed: Any) -> Playbook:
        return playbook.with_lifecycle(playbook.lifecycle.replace(transitions=tuple(changed)))

    for place, rule in enumerate(moves):
        yield partial(with_moves, (*moves[:place], *moves[place + 1 :]))
        for change in _plainer(rule, {"guard": None, "roles": (), "on": None, "automatic": False}):
            yield lambda place=place, change=change: with_moves((*moves[:place], change(), *moves[place + 1 :]))
    for stage in stages:
        changes = {"cool_down": None, "reentry_limit": None, "limit": None}
        for name in [name for name, value in changes.items() if getattr(stage, name) != value]:
            gone = {name: None} | ({"type": "inventory"} if name == "limit" else {})
            yield lambda stage=stage, gone=gone: playbook.with_lifecycle(
                playbook.lifecycle.with_stages(stage.replace(**gone))
            )
        if len(stages) > 1:
            others = tuple(one for one in stages if one is not stage)
            yield lambda others=others: playbook.with_lifecycle(playbook.lifecycle.replace(stages=others))
    for place, rule in enumerate(rules):
        yield lambda place=place: playbook.replace(qualifications=(*rules[:place], *rules[place + 1 :]))
        for change in _plainer(rule, {"leave": None, "lasting": False, "valid_for": None}):
            yield lambda place=place, change=change: playbook.replace(
                qualifications=(*rules[:place], change(), *rules[place + 1 :])
            )
    if playbook.readiness is not None:
        yield lambda: playbook.replace(readiness=None)


def _plainer(rule: Any, plain: dict[str, Any]) -> Iterator[Callable[[], Any]]:
    for name, value in plain.items():
        if getattr(rule, name) != value:
            yield partial(rule.replace, **{name: value})
    for name in ("guard", "enter", "leave"):
        criterion = getattr(rule, name, None)
        for part in () if criterion is None else criterion.parts():
            yield partial(rule.replace, **{name: part})
