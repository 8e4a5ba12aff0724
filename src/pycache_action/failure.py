"""What a failed build said of itself: the step, its last words, and the place in the Dockerfile."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pycache_action.buildx.trace import Trace

# buildx writes the place after the last status, with an excerpt between rules:
# https://github.com/moby/buildkit/blob/v0.25.0/solver/errdefs/source.go#L47-L94
_PLACE = re.compile(r"(?P<file>\S.*):(?P<line>\d+)")
_PREFIX = re.compile(r"^(?:ERROR: |failed to build: |failed to solve: )+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a build ended. `step` is the vertex's name, `log` all it said; `file` and `line` are as buildx names them.

    Each is empty (0) where it is not known: a Dockerfile that does not parse has no step.
    """

    error: str
    step: str = ""
    log: str = ""
    file: str = ""
    line: int = 0


def find_failure(trace: Trace) -> Failure:
    """What the trace of a failed build tells."""
    vertex = trace.failed[-1] if trace.failed else None
    words = [_PREFIX.sub("", message) for message in trace.messages if message.startswith("ERROR: ")]
    error = words[-1] if words else vertex.error if vertex else " ".join(trace.messages[-1:])
    place = _find_place(trace.messages)
    return Failure(
        error=error or "the build ended without a word",
        step=vertex.name if vertex else "",
        log=vertex.log if vertex else "",
        file=place["file"] if place else "",
        line=int(place["line"]) if place else 0,
    )


def _find_place(messages: tuple[str, ...]) -> re.Match[str] | None:
    for message, following in itertools.pairwise(messages):
        if following.startswith("-----") and (place := _PLACE.fullmatch(message)):
            return place
    return None
