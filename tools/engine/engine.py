"""THE STORY: which engine to use, how it is brought up, and what "a new runner" is.

1. An engine of ours that runs, or one this checkout has brought up before: that one.
2. Else an engine that was there (`DOCKER_HOST`, the current context), when it can pull what the tests start from. It
   is only added to: a registry container and throw-away builders, all labelled, all removed by `down`.
3. Else, on Linux as root with apt, one of our own (see `dockerd`), on its own socket, next to whatever runs.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tools.engine import dockerd, existing, network, processes, registry
from tools.engine.processes import PidFile
from tools.engine.programs import ensure_programs, find_programs, require_programs
from tools.engine.registry import RegistryProcess
from tools.engine.seed import BUILDX, BUSYBOX, PYTHON, is_upstream_reachable, make_stand_in, seed_registry
from tools.engine.state import find_state
from tools.engine.steps import EngineError, say, step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.engine.programs import Programs
    from tools.engine.state import Settings, State


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
        return bring_up(state)


def bring_up(state: State) -> Engine:
    """Starts what does not run of: programs, network, registry, daemon, images. Every part may be there already."""
    check_machine()
    first = find_programs(state) is None
    if first:
        say(f"none to use: bringing one up in {state.path} (about a minute, once)")
    with ThreadPoolExecutor(max_workers=1) as pool:
        early = (
            {PYTHON.name: pool.submit(make_stand_in, state, PYTHON)} if first and not is_upstream_reachable() else {}
        )
        programs = ensure_programs(state)
        settings = ensure_registry(state, programs)
        settings = ensure_daemon(state, programs, settings)
        address = f"localhost:{settings.registry_port}"
        seed_registry(state, address, [BUSYBOX, BUILDX, PYTHON], early)
    dockerd.remove_abandoned(state, settings)
    host = dockerd.main_daemon(state, settings).docker_host
    return Engine(docker_host=host, registry=address, state=state, is_ours=True)


def check_machine() -> None:
    missing = [program for program in ("apt-get", "dpkg-deb", "unshare") if shutil.which(program) is None]
    if missing or os.geteuid() != 0:
        raise EngineError(
            "no Docker Engine answers, and one can be brought up only as root on Debian or Ubuntu.\n"
            "Start Docker (`docker info` must work, and it must reach docker.io), or run this as root."
        )


def registry_pid(state: State) -> PidFile:
    return PidFile(state.run / "registry.pid")


def ensure_registry(state: State, programs: Programs) -> Settings:
    """A registry whose state was deleted under it is started again, like one that does not answer."""
    settings = state.read_settings()
    pid_file = registry_pid(state)
    if (pid := pid_file.find()) is not None:
        if settings.registry_port and registry.answers(f"localhost:{settings.registry_port}"):
            return settings
        processes.kill(pid)
    port = registry.find_port(settings.registry_port or 5000)
    with step(f"registry at localhost:{port}"):
        process = registry.start_process(programs.registry, state.path / "registry", port, state.log("registry"))
        pid_file.write(process.pid)
    settings = replace(settings, registry_port=port)
    state.write_settings(settings)
    return settings


def ensure_daemon(state: State, programs: Programs, settings: Settings) -> Settings:
    """A daemon that was started with the same settings is left alone; another is started again."""
    daemon = dockerd.main_daemon(state, settings)
    if daemon.pid_file.find() is not None and dockerd.is_configured(daemon, state, settings):
        return settings
    dockerd.stop(daemon)
    taken = network.read_taken(state)
    chosen = network.choose_network(settings.network, taken, seed=int(state.id, 16))
    settings = replace(settings, network=chosen)
    state.write_settings(settings)
    with step("Docker Engine"):
        network.put_network(state, programs, settings.network)
        dockerd.start(dockerd.main_daemon(state, settings), programs, state, settings)
    return settings


def take_down(state: State) -> None:
    """Ends all that was started for this state; files stay."""
    with state.locked():
        existing.remove(state)
        programs = find_programs(state)
        if programs is None:
            return
        settings = state.read_settings()
        for daemon in dockerd.find_fresh(state, settings):
            dockerd.remove_fresh(daemon)
        if dockerd.stop(dockerd.main_daemon(state, settings)):
            say("Docker Engine ended")
        if (pid := registry_pid(state).find()) is not None:
            RegistryProcess(f"localhost:{settings.registry_port}", pid).stop()
            say("registry ended")
        if settings.network:
            network.remove_network(state, programs, settings.network)
        shutil.rmtree(state.run, ignore_errors=True)


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


Registry = RegistryProcess | existing.RegistryContainer


def start_registry(engine: Engine, path: Path, port: int = 0) -> Registry:
    """A registry of the test's own, its content in `path`; started again with the same `path` it has all it had.

    Port 0 means a free one. The caller ends it with `stop()` or, in mid-flight, with `kill()`.
    """
    chosen = registry.find_port(port)
    if port and chosen != port:
        raise EngineError(f"port {port} is taken")
    if not engine.is_ours:
        return existing.start_registry(engine.state, engine.docker_host, path, chosen)
    return registry.start_process(require_programs(engine.state).registry, path, chosen, path / "registry.log")
