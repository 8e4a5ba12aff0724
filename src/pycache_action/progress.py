"""A build under way, as people follow it: the instructions of the Dockerfile, not BuildKit's own housekeeping."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from pycache_action import wording
from pycache_action.buildx.trace import KEPT_LOG_CHARACTERS
from pycache_action.untrusted import lines_of, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pycache_action.buildx.trace import Trace, Vertex

INSTRUCTION_CHARACTERS = 160
LOG_LINE_CHARACTERS = 400
WORTH_TELLING_SECONDS = 1.0
WORTH_ANNOUNCING_SECONDS = 0.5
SHORTEST_SECONDS = 0.05

# `[builder 4/5] RUN ...`, `[linux/arm64 builder 4/5] RUN ...`, `[4/5] RUN ...`
_STEP = re.compile(r"\[(?P<label>(?:\S+ ){0,2}\d+/\d+)\] (?P<instruction>.+)", re.DOTALL)


class State(Enum):
    """How far a step has come; the value is the word for it."""

    WAITING = "waits"
    RUNNING = "runs"
    CACHED = "cached"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An instruction, or, with no `label`, other work that takes time, such as the push. Everything is clean text."""

    digest: str
    label: str
    instruction: str
    state: State
    seconds: float
    log: str

    @property
    def name(self) -> str:
        """`[builder 4/5] RUN pip install -r requirements.txt`."""
        return f"[{self.label}] {self.instruction}" if self.label else self.instruction


def read_steps(trace: Trace, now: float) -> tuple[Step, ...]:
    """The steps in the order in which they depend on each other; `now` is in seconds since the epoch.

    Work that is none of the Dockerfile's counts where it runs, or has run, for a second at least.
    """
    steps = (_read_step(vertex, now) for vertex in _in_order(trace.vertices))
    return tuple(step for step in steps if step.label or step.seconds >= WORTH_TELLING_SECONDS)


class StepFollower:
    """Tells a build in lines, each once: a step that begins and takes its time, its output, its end."""

    def __init__(self, *, with_output: bool) -> None:
        self._with_output = with_output
        self._told: dict[str, State] = {}
        self._output: dict[str, str] = {}

    def follow(self, trace: Trace, now: float) -> Iterator[str]:
        """What is new since the last call."""
        for step in read_steps(trace, now):
            told = self._told.get(step.digest, State.WAITING)
            is_slow = step.state is State.RUNNING and step.seconds >= WORTH_ANNOUNCING_SECONDS
            has_ended = step.state not in (State.WAITING, State.RUNNING)
            if is_slow and told is State.WAITING:
                self._told[step.digest] = State.RUNNING
                yield tell_step(step)
            if self._with_output and (is_slow or has_ended):
                yield from self._tell_output(step, has_ended=has_ended)
            if has_ended and told in (State.WAITING, State.RUNNING):
                self._told[step.digest] = step.state
                yield tell_step(step)

    def _tell_output(self, step: Step, *, has_ended: bool) -> Iterator[str]:
        """The lines that came to an end since the last call; all that is left when the step has ended."""
        told = self._output.get(step.digest, "")
        fresh = _find_fresh(told, step.log)
        if not has_ended:
            fresh = fresh[: fresh.rfind("\n") + 1]
        if fresh:
            self._output[step.digest] = (told + fresh)[-KEPT_LOG_CHARACTERS:]
            for line in lines_of(fresh, limit=LOG_LINE_CHARACTERS):
                yield f"        [{step.label}] {line}".rstrip()


def tell_step(step: Step) -> str:
    """`done    [builder 4/5] RUN pip install -r requirements.txt  38 s`."""
    return f"{step.state.value:<8}{step.name}{f'  {took}' if (took := tell_seconds(step)) else ''}"


def tell_seconds(step: Step) -> str:
    """How long it took, or runs by now; empty where that says nothing."""
    return wording.duration(step.seconds) if step.seconds >= SHORTEST_SECONDS else ""


def _in_order(vertices: tuple[Vertex, ...]) -> list[Vertex]:
    """BuildKit names a vertex before those it needs; people read a Dockerfile from the top."""
    known = {vertex.digest: vertex for vertex in vertices}
    ordered: list[Vertex] = []
    seen: set[str] = set()
    for vertex in vertices:
        waiting = [(vertex, False)]
        while waiting:
            each, inputs_done = waiting.pop()
            if inputs_done:
                ordered.append(each)
            elif each.digest not in seen:
                seen.add(each.digest)
                waiting.append((each, True))
                waiting.extend((known[digest], False) for digest in reversed(each.inputs) if digest in known)
    return ordered


def _read_step(vertex: Vertex, now: float) -> Step:
    found = _STEP.fullmatch(wording.shorten_vertex(vertex.name))
    seconds = max(0.0, now - vertex.started) if vertex.running and vertex.started is not None else vertex.seconds
    return Step(
        digest=vertex.digest,
        label=one_line(found["label"], 60) if found else "",
        instruction=one_line(found["instruction"] if found else vertex.name, INSTRUCTION_CHARACTERS),
        state=_read_state(vertex),
        seconds=seconds,
        log=vertex.log,
    )


def _read_state(vertex: Vertex) -> State:
    if vertex.error:
        return State.CANCELLED if "context canceled" in vertex.error else State.FAILED
    if vertex.cached:
        return State.CACHED
    if vertex.completed is not None:
        return State.DONE
    return State.RUNNING if vertex.running else State.WAITING


def _find_fresh(told: str, log: str) -> str:
    """What of a log was not told yet, where only the end of the log is kept."""
    if log.startswith(told):
        return log[len(told) :]
    end = told[-200:]
    at = log.rfind(end)
    return log[at + len(end) :] if at >= 0 else log
