"""THE STORY: which engine to use, how it is brought up, and what "a new runner" is.

1. An engine of ours that runs, or one this checkout has brought up before: that one.
2. Else an engine that was there (`DOCKER_HOST`, the current context), when it can pull what the tests start from. It
   is only added to: a registry container and throw-away builders, all labelled, all removed by `down`.
3. Else, on Linux as root with apt, one of our own (see `dockerd`), on its own socket, next to whatever runs.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.engine import dockerd, existing, own, registry
from tools.engine.existing import RegistryContainer
from tools.engine.programs import find_programs, require_programs
from tools.engine.registry import RegistryProcess
from tools.engine.state import find_state
from tools.engine.steps import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.engine.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine that answers, and a registry on loopback that it can push to and pull from without a login."""

    docker_host: str
    registry: str
    state: State
    is_ours: bool

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs in its environment to use this engine, `docker` and `docker-buildx` on PATH included."""
        return {
            "DOCKER_HOST": self.docker_host,
            "DOCKER_CONTEXT": "",  # a user's would go before DOCKER_HOST
            "BUILDX_CONFIG": str(self.state.path / "buildx"),
            "PATH": f"{self.state.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }


@dataclass(frozen=True, slots=True)
class Runner:
    """A new runner: an engine with an empty store, or (where none can be started) an empty builder in one."""

    docker_host: str
    builder: str | None

    @property
    def environ(self) -> dict[str, str]:
        return {"DOCKER_HOST": self.docker_host} | ({"BUILDX_BUILDER": self.builder} if self.builder else {})


def ensure_engine(state: State | None = None) -> Engine:
    """The engine of this checkout, brought up when it does not run; quick when it does."""
    state = state or find_state()
    with state.locked():
        if find_programs(state) is None and (found := existing.find(state)) is not None:
            return Engine(docker_host=found.docker_host, registry=found.registry, state=state, is_ours=False)
        settings = own.bring_up(state)
        host = dockerd.main_daemon(state, settings).docker_host
        return Engine(docker_host=host, registry=settings.registry, state=state, is_ours=True)


def take_down(state: State) -> None:
    """Ends all that was started for this state; files stay."""
    with state.locked():
        existing.remove(state)
        own.take_down(state)


def start_fresh(engine: Engine, *, owner: int | None) -> Runner:
    """A new runner; it goes with `end_fresh`, with `down`, or when the process `owner` has ended."""
    if not engine.is_ours:
        return Runner(engine.docker_host, existing.create_builder(engine.state, engine.docker_host))
    state = engine.state
    settings = state.read_settings()
    with state.locked():
        daemon = dockerd.allocate_fresh(state, settings, owner=owner or os.getpid())
    dockerd.start(daemon, require_programs(state), state, settings)
    if owner is None:
        dockerd.disown(daemon)
    return Runner(daemon.docker_host, None)


def end_fresh(engine: Engine, runner: Runner) -> None:
    if runner.builder is not None:
        existing.remove_builder(engine.state, engine.docker_host, runner.builder)
        return
    for daemon in dockerd.find_fresh(engine.state, engine.state.read_settings()):
        if daemon.docker_host == runner.docker_host:
            dockerd.remove_fresh(daemon)
            return
    raise EngineError(f"no fresh engine at {runner.docker_host}")


@contextmanager
def fresh_runner(engine: Engine) -> Iterator[Runner]:
    """A new runner for as long as the block lasts: nothing built, nothing pulled."""
    runner = start_fresh(engine, owner=os.getpid())
    try:
        yield runner
    finally:
        end_fresh(engine, runner)


Registry = RegistryProcess | RegistryContainer


def start_registry(engine: Engine, path: Path, port: int = 0) -> Registry:
    """A registry of the test's own, its content in `path`; started again with the same `path` it has all it had.

    Port 0 means a free one. The caller ends it with `stop()` or, in mid-flight, with `kill()`.
    """
    chosen = registry.find_port(port)
    if port and chosen != port:
        raise EngineError(f"port {port} is taken")
    if not engine.is_ours:
        return existing.start_registry(engine.state, engine.docker_host, path, chosen)
    program = require_programs(engine.state).registry
    return registry.start_process(program, path, f"localhost:{chosen}", path / "registry.log")
