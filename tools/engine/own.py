"""An engine of our own and its registry, brought up part by part; every part may be there already."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from tools.engine import dockerd, network, processes, registry
from tools.engine.processes import PidFile
from tools.engine.programs import ensure_programs, find_programs, remove_old_programs
from tools.engine.seed import BUILDX, BUSYBOX, PYTHON, is_upstream_reachable, make_stand_in, seed_registry
from tools.engine.steps import EngineError, say, step

if TYPE_CHECKING:
    from tools.engine.programs import Programs
    from tools.engine.state import Settings, State


def bring_up(state: State) -> Settings:
    """Programs, registry, network, daemon, images. What takes longest of the images is begun first."""
    check_machine()
    first = find_programs(state) is None
    if first:
        say(f"bringing one up in {state.path} (about a minute, once)")
    with ThreadPoolExecutor(max_workers=1) as pool:
        alone = first and not is_upstream_reachable()
        early = {PYTHON.name: pool.submit(make_stand_in, state, PYTHON)} if alone else {}
        programs = ensure_programs(state)
        settings = ensure_registry(state, programs)
        settings = ensure_daemon(state, programs, settings)
        seed_registry(state, settings.registry, [BUSYBOX, BUILDX, PYTHON], early)
    dockerd.remove_abandoned(state, settings)
    return settings


def check_machine() -> None:
    missing = [program for program in ("apt-get", "dpkg-deb", "unshare") if shutil.which(program) is None]
    if missing or os.geteuid() != 0:
        raise EngineError(
            "no Docker Engine that can serve answers, and one is brought up only as root on Debian or Ubuntu.\n"
            "Start Docker (`docker info` must work, and it must reach docker.io), or run this as root."
        )


def registry_pid(state: State) -> PidFile:
    return PidFile(state.run / "registry.pid")


def inner_registry_pid(state: State) -> PidFile:
    """Of the same registry's other process, which containers reach at the bridge's address."""
    return PidFile(state.run / "registry-inner.pid")


def ensure_registry(state: State, programs: Programs) -> Settings:
    """A registry whose state was deleted under it is started again, like one that does not answer."""
    settings = state.read_settings()
    pid_file = registry_pid(state)
    if (pid := pid_file.find()) is not None:
        if settings.registry_port and registry.answers(settings.registry):
            return settings
        processes.kill(pid)
    settings = replace(settings, registry_port=registry.find_port(settings.registry_port or 5000))
    with step(f"registry at {settings.registry}"):
        serve(state, programs, settings.registry, pid_file)
    state.write_settings(settings)
    return settings


def serve(state: State, programs: Programs, address: str, pid_file: PidFile) -> None:
    path, log = state.path / "registry", state.log("registry")
    pid_file.write(registry.start_process(programs.registry, path, address, log).pid)


def ensure_daemon(state: State, programs: Programs, settings: Settings) -> Settings:
    """A daemon that was started with the same settings is left alone; another is started again."""
    daemon = dockerd.main_daemon(state, settings)
    inner = inner_registry_pid(state)
    if inner.find() is not None and dockerd.serves(daemon, state, programs, settings):
        return settings
    dockerd.stop(daemon)
    if (pid := inner.find()) is not None:
        processes.kill(pid)
    taken = network.read_taken(state)
    settings = replace(settings, network=network.choose_network(settings.network, taken, seed=int(state.id, 16)))
    state.write_settings(settings)
    with step("Docker Engine"):
        network.put_network(state, programs, settings.network)
        serve(state, programs, settings.inner_registry, inner)
        dockerd.start(dockerd.main_daemon(state, settings), programs, state, settings)
    remove_old_programs(state)
    return settings


def take_down(state: State) -> None:
    """Ends what runs, even where the state was deleted under it."""
    settings = state.read_settings()
    for daemon in dockerd.find_fresh(state, settings):
        dockerd.remove_fresh(daemon)
    for path in state.run.glob("fresh-*/pid"):
        if (pid := PidFile(path).find()) is not None:
            processes.kill(pid)
    if dockerd.stop(dockerd.main_daemon(state, settings)):
        say("Docker Engine ended")
    for pid_file in (registry_pid(state), inner_registry_pid(state)):
        if (pid := pid_file.find()) is not None:
            processes.end(pid, ask=[pid])
    programs = find_programs(state)
    if programs is not None and settings.network:
        network.remove_network(state, programs, settings.network)
    shutil.rmtree(state.run, ignore_errors=True)
