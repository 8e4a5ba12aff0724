"""The `buildx` program: as Docker's plugin on a laptop, by itself in the action's image."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pycache_action.errors import BuilderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pycache_action.process import Completed, Processes

OLDEST = (0, 15)
PROGRAMS = (("buildx",), ("docker", "buildx"))
INSTALL_HINT = "Install Docker with its buildx plugin: https://docs.docker.com/engine/install/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Buildx:
    """A buildx to start builds with, and the builder they go to (empty: the current one)."""

    program: tuple[str, ...]
    processes: Processes = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    builder: str = ""

    def run(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        standard_input: bytes | None = None,
        on_error_line: Callable[[str], None] | None = None,
        watchdog: Callable[[], str] | None = None,
        deadline: float | None = None,
    ) -> Completed:
        """Run a subcommand to its end (see `Processes.run`); `environment` is laid over the process's own."""
        return self.processes.run(
            [*self.program, *arguments],
            environment={**self.environment, **(environment or {})},
            standard_input=standard_input,
            on_error_line=on_error_line,
            watchdog=watchdog,
            deadline=deadline,
        )

    @property
    def chosen(self) -> tuple[str, ...]:
        """The arguments that name the builder."""
        return ("--builder", self.builder) if self.builder else ()

    def on(self, builder: str) -> Buildx:
        """The same, building on `builder`."""
        return dataclasses.replace(self, builder=builder)


def find_buildx(processes: Processes, environment: Mapping[str, str]) -> Buildx:
    """The first buildx that answers. Raises `BuilderUnavailable` where there is none, or none that is new enough."""
    for program in PROGRAMS:
        buildx = Buildx(program=program, processes=processes, environment=environment)
        try:
            answer = buildx.run("version", deadline=20)
        except (FileNotFoundError, PermissionError):
            continue
        if answer.exit_code == 0:
            _check_version(answer.stdout)
            return buildx
    raise BuilderUnavailable("There is no docker buildx on this machine", hint=INSTALL_HINT)


def _check_version(text: str) -> None:
    """`github.com/docker/buildx v0.29.1 <commit>`; a build from source may carry no number and is trusted."""
    found = re.search(r"\bv?(\d+)\.(\d+)\.\d+", text)
    if found and (int(found[1]), int(found[2])) < OLDEST:
        raise BuilderUnavailable(
            f"buildx is {found[0].removeprefix('v')}; {OLDEST[0]}.{OLDEST[1]} or newer is needed",
            hint=f"In a workflow, docker/setup-buildx-action brings a new one. {INSTALL_HINT}",
        )
