"""How fast a definition is checked, against stages and questions. ``--json`` prints one object.

``eight_stage``, and made-up definitions of so many stages, three transitions a stage, and guards over so many
questions. Each run checks a fresh lifecycle; figures are medians.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from statistics import median
from time import perf_counter

from leadlife import Lifecycle, Playbook, Stage, Transition
from leadlife.checks import check, diff
from leadlife.criteria import evidence, field
from leadlife.lifecycle import StageStatus, TransitionKind
from leadlife.playbook.fields import FieldSpec, FieldType
from leadlife.presets import eight_stage


def made_up(stages: int, questions: int) -> Playbook:
    """Return a chain of stages with skips and returns, whose guards ask so many questions in all."""
    names = [f"s{number}" for number in range(stages)]
    asked = [
        (field(f"f{number // 2}") >= 10 * number) if number % 2 else evidence(f"e{number}")
        for number in range(questions)
    ]
    rules: list[Transition] = []
    for place, name in enumerate(names):
        onward = names[place + 1] if place + 1 < stages else "won"
        guard = asked[place % questions] & ~asked[(place + 3) % questions]
        rules += [
            Transition(trigger="go", sources=(name,), target=onward, kind=TransitionKind.FORWARD, guard=guard),
            Transition(
                trigger="go",
                sources=(name,),
                target="idle",
                kind=TransitionKind.RECYCLE,
                guard=asked[(place + 1) % questions],
            ),
            Transition(
                trigger="back",
                sources=("idle",),
                target=name,
                kind=TransitionKind.REENTRY,
                guard=asked[(place + 2) % questions],
            ),
        ]
    idle = Stage(id="idle", status=StageStatus.RECYCLED, reentry_limit=3)
    return Playbook(
        id="made up",
        lifecycle=Lifecycle(
            stages=(*(Stage(id=name) for name in names), Stage(id="won", status=StageStatus.WON), idle),
            transitions=tuple(rules),
        ),
        fields={f"f{number}": FieldSpec(type=FieldType.INTEGER) for number in range(questions)},
        evidence={f"e{number}": "" for number in range(questions)},
    )


def milliseconds(make: Callable[[], Playbook], rounds: int = 5) -> float:
    took: list[float] = []
    for _ in range(rounds):
        playbook = make()
        begun = perf_counter()
        check(playbook)
        took.append((perf_counter() - begun) * 1e3)
    return median(took)


def fresh_eight_stage() -> Playbook:
    return Playbook.model_validate(eight_stage().model_dump(mode="json"))


def compared(stages: int) -> float:
    before, after = made_up(stages, 20), made_up(stages, 18)
    begun = perf_counter()
    diff(before, after)
    return (perf_counter() - begun) * 1e3


def built_and_checked(text: str) -> float:
    begun = perf_counter()
    check(Playbook.model_validate(json.loads(text)))
    return (perf_counter() - begun) * 1e3


def measure() -> dict[str, float]:
    """Return milliseconds of each check."""
    text = json.dumps(eight_stage().model_dump(mode="json"))
    return {
        "eight_stage_ms": milliseconds(fresh_eight_stage),
        "eight_stage_from_json_ms": median(built_and_checked(text) for _ in range(5)),
        "diff_thirty_stages_ms": median(compared(30) for _ in range(5)),
        "thirty_stages_ms": milliseconds(lambda: made_up(30, 20)),
        **{
            f"stages_{stages}_questions_{questions}_ms": milliseconds(lambda s=stages, q=questions: made_up(s, q), 3)  # type: ignore[misc]
            for stages in (10, 30, 60)
            for questions in (4, 10, 20)
        },
    }


GOALS = {
    "eight_stage_ms": 50,
    "eight_stage_from_json_ms": 60,
    "thirty_stages_ms": 1_000,
    "diff_thirty_stages_ms": 1_000,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    figures = {name: round(value, 2) for name, value in measure().items()}
    if parser.parse_args().json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:32} {value:10.2f}" + (f"   goal: under {GOALS[name]}" if name in GOALS else ""))
