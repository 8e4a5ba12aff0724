"""A port towards programs whose answers a test gives: for what no real engine can be brought to say."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pycache_action.process import Completed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A program that was asked for."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    standard_input: bytes | None = field(repr=False, default=None)
    deadline: float | None = None

    @property
    def destination(self) -> Path:
        """Where `--output type=local` is to go."""
        found = re.search(r"type=local,dest=([^,\s]+)", " ".join(self.arguments))
        assert found, self.arguments
        return Path(found[1])

    def value(self, flag: str) -> str:
        """What follows this argument; empty without it."""
        return self.arguments[self.arguments.index(flag) + 1] if flag in self.arguments else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """An answer: `stderr` may be one or several statuses or lines."""

    exit_code: int = 0
    stdout: str = ""
    stderr: Sequence[dict[str, object] | str] = ()
    stopped: str = ""


class Scripted:
    """Answers as `answer` says, and keeps what was asked."""

    def __init__(self, answer: Callable[[Asked], Say]) -> None:
        self.asked: list[Asked] = []
        self._answer = answer

    def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        standard_input: bytes | None = None,
        on_error_line: Callable[[str], None] | None = None,
        watchdog: Callable[[], str] | None = None,
        deadline: float | None = None,
    ) -> Completed:
        """Answer (see `Processes.run`)."""
        asked = Asked(
            arguments=tuple(arguments), environment=environment, standard_input=standard_input, deadline=deadline
        )
        self.asked.append(asked)
        said = self._answer(asked)
        lines = [line if isinstance(line, str) else json.dumps(line) for line in said.stderr]
        for line in lines:
            if on_error_line is not None:
                on_error_line(line)
        return Completed(
            arguments=asked.arguments,
            exit_code=said.exit_code,
            stdout=said.stdout,
            stderr="\n".join(lines),
            seconds=1.0,
            stopped=said.stopped or (watchdog() if watchdog else ""),
        )


def failed_vertex(name: str, error: str) -> dict[str, object]:
    """The status of a vertex that failed."""
    return {"vertexes": [{"digest": f"sha256:{name}", "name": name, "started": "2026-01-01T00:00:00Z", "error": error}]}
