"""Docker daemons of ours: the engine, and fresh ones on an empty data root.

Each listens on a socket of its own in the run directory and never on `/var/run/docker.sock`: that one may belong to
somebody, and another checkout of ours must not meet us there. What mounts the socket into containers is told its
path (act: `--container-daemon-socket`).

A daemon runs in a pid namespace of its own. When it ends, however it ends, so do its containerd, its shims and its
containers, and no mount is left: a start never finds more than files.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.engine import processes
from tools.engine.network import FRESH_FIRST, FRESH_LAST, bridge_name
from tools.engine.processes import PidFile
from tools.engine.steps import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.engine.programs import Programs
    from tools.engine.state import Settings, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """One dockerd: where its files are. `addresses` is the part of the network its containers get."""

    files: Path
    run: Path
    log: Path
    addresses: str

    @property
    def docker_host(self) -> str:
        return f"unix://{self.run}/docker.sock"

    @property
    def pid_file(self) -> PidFile:
        return PidFile(self.run / "pid")


def main_daemon(state: State, settings: Settings) -> Daemon:
    return Daemon(
        files=state.path / "docker",
        run=state.run,
        log=state.log("dockerd"),
        addresses=f"{settings.network}.0.0/20",
    )


def start(daemon: Daemon, programs: Programs, state: State, settings: Settings) -> None:
    """Starts `daemon` and waits until it answers; what an earlier one left in the run directory is removed."""
    shutil.rmtree(daemon.run / "exec", ignore_errors=True)
    (daemon.run / "exec").mkdir(parents=True, exist_ok=True)
    daemon.files.mkdir(parents=True, exist_ok=True)
    forget_networks(daemon)
    (daemon.run / "docker.sock").unlink(missing_ok=True)
    configuration = daemon.run / "daemon.json"
    configuration.write_text(json.dumps(render_configuration(daemon, state, programs, settings), indent=1) + "\n")
    argv = ["docker-init", "--", "dockerd", "--config-file", str(configuration)]
    pid = processes.start(programs.argv(argv, own_pids=True), daemon.log)
    daemon.pid_file.write(pid)
    processes.wait_until_alive("dockerd", lambda: answers(daemon.docker_host), pid, daemon.log)


def forget_networks(daemon: Daemon) -> None:
    """Lets `daemon` start as if it had never had a network: no container outlived the last one.

    A dockerd that finds its own default network stored, and address pools configured, deletes the interface `docker0`,
    though its bridge is another and `docker0` may be another engine's.
    https://github.com/moby/moby/blob/v28.5.2/daemon/daemon_unix.go (configureNetworking)
    """
    shutil.rmtree(daemon.files / "data" / "network", ignore_errors=True)


def render_configuration(daemon: Daemon, state: State, programs: Programs, settings: Settings) -> dict[str, object]:
    """https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file"""
    return {
        "hosts": [daemon.docker_host],
        "data-root": str(daemon.files / "data"),
        "exec-root": str(daemon.run / "exec"),
        "pidfile": str(daemon.run / "exec" / "dockerd.pid"),
        "features": {"containerd-snapshotter": True},
        "insecure-registries": [settings.registry, settings.inner_registry],
        "registry-mirrors": [f"http://{settings.registry}"],
        "bridge": bridge_name(state),
        "fixed-cidr": daemon.addresses,
        "default-address-pools": [{"base": f"{settings.network}.128.0/17", "size": 24}],
        "labels": [f"pycache-engine={state.id}", f"pycache-programs={programs.root.name}"],
        # A disk that fills up would have the engine drop caches in the middle of a test.
        "builder": {"gc": {"enabled": False}},
        "iptables": False,
        "ip6tables": False,
    }


def stop(daemon: Daemon) -> bool:
    """Ends `daemon` and all it started; whether there was one."""
    pid = daemon.pid_file.find()
    if pid is not None:
        processes.end(pid, ask=processes.read_children(pid))
    daemon.pid_file.path.unlink(missing_ok=True)
    return pid is not None


def answers(docker_host: str, *, seconds: float = 2) -> bool:
    """Whether an engine answers on this socket."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(seconds)
    try:
        connection.sock.connect(docker_host.removeprefix("unix://"))
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def serves(daemon: Daemon, state: State, programs: Programs, settings: Settings) -> bool:
    """Whether `daemon` runs, with these programs and settings, and answers (a busy machine is given time)."""
    if daemon.pid_file.find() is None or not is_configured(daemon, state, programs, settings):
        return False
    return answers(daemon.docker_host, seconds=30)


def is_configured(daemon: Daemon, state: State, programs: Programs, settings: Settings) -> bool:
    """Whether `daemon` was last started with these programs and settings."""
    wanted = render_configuration(daemon, state, programs, settings)
    try:
        return bool(json.loads((daemon.run / "daemon.json").read_text()) == wanted)
    except (OSError, ValueError):
        return False


def allocate_fresh(state: State, settings: Settings, *, owner: int) -> Daemon:
    """A place for a daemon on an empty data root, marked as `owner`'s: see `remove_abandoned`."""
    state.fresh.mkdir(parents=True, exist_ok=True)
    for number in range(FRESH_FIRST, FRESH_LAST + 1):
        daemon = fresh_daemon(state, settings, number)
        if not daemon.files.exists():
            daemon.files.mkdir()
            owner_file(daemon).write(owner)
            return daemon
    raise EngineError(
        f"{FRESH_LAST - FRESH_FIRST + 1} fresh engines run already; `python -m tools.engine down` ends them"
    )


def fresh_daemon(state: State, settings: Settings, number: int) -> Daemon:
    return Daemon(
        files=state.fresh / str(number),
        run=state.run / f"fresh-{number}",
        log=state.fresh / str(number) / "dockerd.log",
        addresses=f"{settings.network}.{number}.0/24",
    )


def owner_file(daemon: Daemon) -> PidFile:
    return PidFile(daemon.files / "owner")


def disown(daemon: Daemon) -> None:
    """Lets `daemon` outlive the process that started it."""
    owner_file(daemon).path.unlink()


def find_fresh(state: State, settings: Settings) -> Iterator[Daemon]:
    if state.fresh.exists():
        for path in sorted(state.fresh.iterdir()):
            if path.name.isdigit():
                yield fresh_daemon(state, settings, int(path.name))


def remove_fresh(daemon: Daemon) -> None:
    """Ends a fresh daemon at once and removes all its files."""
    pid = daemon.pid_file.find()
    if pid is not None:
        processes.kill(pid)
    remove_tree(daemon.run)
    remove_tree(daemon.files)


def remove_abandoned(state: State, settings: Settings) -> None:
    """Removes fresh daemons whose owner has ended, and those without an owner that have ended themselves."""
    for daemon in find_fresh(state, settings):
        owner = owner_file(daemon)
        keeper = owner if owner.path.exists() else daemon.pid_file
        if keeper.find() is None:
            remove_fresh(daemon)


def remove_tree(path: Path) -> None:
    """Like `shutil.rmtree`, but waits for what still lets go of its files: a killed daemon's mounts go a moment later."""
    for _ in range(50):
        shutil.rmtree(path, ignore_errors=True)
        if not os.path.lexists(path):
            return
        time.sleep(0.05)
    shutil.rmtree(path)
