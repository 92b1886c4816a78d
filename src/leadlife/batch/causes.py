"""What the playbook in force caused: why a figure under another one is only an estimate."""

from __future__ import annotations

from collections.abc import Iterable

from leadlife.playbook.playbook import Playbook
from leadlife.qualification.rules import QualificationRule

_CAUSED = {
    "evidence": "what a person asked",
    "stage": "moves that people made",
    "cycle": "moves that people made",
    "reason": "moves that people made",
    "sold": "sales that people closed",
    "custom_guard": "code of your own",
}
"""Topics of criteria that are as they are because somebody acted under the old playbook."""


def caused(name: str, a: Playbook, b: Playbook) -> str:
    """Return what a qualification of the second playbook rests on that the first may have caused; empty where nothing.

    A rule that is the same in both, and reads nothing that a rule changed, has the same answer: it is exact.
    """
    rule = b.qualification_by_name.get(name)
    if rule is None:
        return ""  # it is not declared any more, and nobody holds it
    found = dict.fromkeys(_reasons(rule, b, set()))
    return "" if rule == a.qualification_by_name.get(name) and not found else "; ".join(found)


def _reasons(rule: QualificationRule, playbook: Playbook, seen: set[str]) -> Iterable[str]:
    if rule.name in seen:
        return
    seen.add(rule.name)
    for _, criterion in rule.criteria():
        for topic, name in criterion.inputs():
            inputs = [(topic, name)]
            if topic == "score" and name in playbook.score_by_name:
                inputs = list(playbook.policy(name).inputs())
            for about, what in inputs:
                kind = playbook.activity_kinds.get(what) if about == "activity" else None
                if about == "activity" and (what == "*" or (kind is not None and kind.two_way)):
                    yield "calls and other activities that both sides take part in"
                if about in _CAUSED:
                    yield _CAUSED[about]
                if about == "qualification" and what in playbook.qualification_by_name:
                    yield from _reasons(playbook.qualification_by_name[what], playbook, seen)
