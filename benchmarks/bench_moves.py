"""How fast a move is, against named rivals measured in the same run. ``--json`` prints one object.

Rounds are interleaved, so that a slow moment of the machine hits everybody; figures are medians. The job is the same
for all: a guarded move there and back between two stages. An inline dict loop is printed for scale, never as a rival.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Any

import statemachine
from transitions import Machine

from leadlife import EvidenceGiven, Journey, Lifecycle, Playbook, Stage, Transition
from leadlife.criteria import evidence
from leadlife.journey.view import JourneyView
from leadlife.presets import eight_stage

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)

BOOK = Playbook(
    id="bench",
    lifecycle=Lifecycle(
        stages=(Stage(id="a"), Stage(id="b")),
        transitions=(
            Transition(trigger="go", sources="a", target="b", kind="forward", guard=evidence("fit")),
            Transition(trigger="go", sources="b", target="a", kind="backward", guard=evidence("fit")),
        ),
    ),
    evidence={"fit": "fits"},
)


class Thing:
    """A host's object, as ``transitions`` wants it."""

    state = "a"
    fit = True


class Rival(statemachine.StateMachine):
    """The same job in python-statemachine."""

    a = statemachine.State(initial=True)
    b = statemachine.State()
    go = a.to(b, cond="fits") | b.to(a, cond="fits")

    def fits(self) -> bool:
        """Say yes, as the other guards do."""
        return True


def machine(model: object | None) -> Machine:
    made = Machine(model=model, states=["a", "b"], initial="a", auto_transitions=False, send_event=True, queued=False)
    made.add_transition("go", "a", "b", conditions=[lambda event: event.model.fit])
    made.add_transition("go", "b", "a", conditions=[lambda event: event.model.fit])
    return made


def began() -> Journey:
    journey = Journey.start("x", BOOK, at=START)
    return journey.record(EvidenceGiven(name="fit", at=START))


def on_plan(rounds: int) -> None:
    plan = BOOK.lifecycle.table
    view = JourneyView(began()._data.shown, START, ())  # noqa: SLF001 - the plan alone is what is timed
    stage = "a"
    for _ in range(rounds):
        edge = plan.take(stage, "go", view)
        assert edge is not None  # noqa: S101
        assert edge.target is not None  # noqa: S101
        stage = edge.target


def on_journey(rounds: int) -> None:
    journey, at = began(), START
    for _ in range(rounds):
        at += SECOND
        journey = journey.move("go", at=at)


def on_shared_machine(rounds: int) -> None:
    thing, event = Thing(), machine(None).events["go"]
    for _ in range(rounds):
        event.trigger(thing)


def on_own_machine(rounds: int) -> None:
    thing: Any = Thing()
    machine(thing)
    for _ in range(rounds):
        thing.go()


def on_python_statemachine(rounds: int) -> None:
    rival = Rival()
    for _ in range(rounds):
        rival.send("go")


def on_dict(rounds: int) -> None:
    moves, stage, fit = {("a", "go"): "b", ("b", "go"): "a"}, "a", True
    for _ in range(rounds):
        if fit:
            stage = moves[stage, "go"]


def starting(rounds: int) -> None:
    playbook = eight_stage()
    for _ in range(rounds):
        Journey.start("x", playbook, at=START, stage="name")


def registering(rounds: int) -> None:
    shared = eight_stage().lifecycle.machine()
    for _ in range(rounds):
        shared.add_model(Thing(), initial="name")


def seconds(job: Callable[[int], None], rounds: int) -> float:
    gc.collect()
    begun = perf_counter()
    job(rounds)
    return (perf_counter() - begun) / rounds


def bytes_per_journey(number: int = 2_000) -> float:
    """Return what a started journey weighs beyond its facts."""
    playbook = eight_stage()
    Journey.start("warm", playbook, at=START)
    gc.collect()
    tracemalloc.start()
    kept = [Journey.start(f"lead-{i}", playbook, at=START) for i in range(number)]
    gc.collect()
    whole = tracemalloc.get_traced_memory()[0]
    facts = [journey.facts for journey in kept]
    kept.clear()
    gc.collect()
    rest = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (whole - rest) / len(facts)


def import_ms_beyond_pydantic(statement: str = "import leadlife") -> float:
    """Return how long an import takes once pydantic is there, over five fresh processes."""
    code = (
        "import time; from pydantic import (AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict,"
        "Discriminator, Field, StringConstraints, Tag, TypeAdapter, field_validator, model_serializer,"
        "model_validator);"
        "b = time.perf_counter();"
        f"{statement}; print((time.perf_counter() - b) * 1000)"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-c", code]
    runs = [
        subprocess.run(command, capture_output=True, text=True, check=True, env=environment)  # noqa: S603
        for _ in range(6)
    ]
    return median(float(run.stdout) for run in runs[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    jobs: dict[str, tuple[Callable[[int], None], int]] = {
        "plan": (on_plan, 20_000),
        "journey_move": (on_journey, 4_000),
        "bare_trigger": (on_shared_machine, 5_000),
        "machine_per_lead": (on_own_machine, 5_000),
        "python_statemachine": (on_python_statemachine, 1_000),
        "inline_dict_loop": (on_dict, 100_000),
        "start": (starting, 2_000),
        "register": (registering, 2_000),
    }
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(arguments.rounds):
        for name, (job, rounds) in jobs.items():
            times[name].append(seconds(job, rounds))

    def ratio(rival: str, ours: str) -> float:
        return median(theirs / mine for theirs, mine in zip(times[rival], times[ours], strict=True))

    result: dict[str, Any] = {
        "plan_vs_bare_trigger": ratio("bare_trigger", "plan"),
        "move_vs_bare_trigger": ratio("bare_trigger", "journey_move"),
        "move_vs_python_statemachine": ratio("python_statemachine", "journey_move"),
        "start_vs_register": ratio("register", "start"),
        "bytes_per_journey": bytes_per_journey(),
        "import_ms_beyond_pydantic": import_ms_beyond_pydantic(),
        "core_import_ms_beyond_pydantic": import_ms_beyond_pydantic("from leadlife import Journey"),
        "microseconds": {name: median(found) * 1e6 for name, found in times.items()},
    }
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    for name, value in result.items():
        print(f"{name:32}{value:10.2f}" if isinstance(value, float) else f"{name}:")
    for name, value in result["microseconds"].items():
        print(f"  {name:30}{value:10.2f}")


if __name__ == "__main__":
    main()
