"""An engine that was there: a laptop's, a hosted runner's. We add to it what carries our label, and remove only that."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tools.engine.registry import answers, find_port
from tools.engine.steps import EngineError, say, step

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tools.engine.state import State

LABEL = "pycache-engine"
REGISTRY_IMAGE = "registry:2"
PROBE = "FROM python:3.11-slim\n"


@dataclass(frozen=True, slots=True)
class Existing:
    docker_host: str
    registry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryContainer:
    """Like `RegistryProcess`, as a container of the engine that was there."""

    address: str
    name: str
    docker_host: str

    def stop(self) -> None:
        docker(self.docker_host, "rm", "--force", "--volumes", self.name)

    def kill(self) -> None:
        """At once and without a goodbye: connections break in the middle."""
        docker(self.docker_host, "kill", self.name)
        docker(self.docker_host, "rm", "--volumes", self.name)


def find(state: State) -> Existing | None:
    """The engine that `docker` speaks to, with a registry of ours in it; `None` when it cannot serve."""
    host = find_docker_host()
    if host is None:
        return None
    registry = find_registry(state, host)
    if registry is not None:
        return Existing(host, registry)
    with step(f"a look at the engine at {host}"):
        reason = find_obstacle(state, host)
    if reason is not None:
        say(f"not used: {reason}")
        return None
    port = find_port(state.read_settings().registry_port or 5000)
    with step(f"registry at localhost:{port}, a container named {container_name(state)}"):
        start_container(state, host, container_name(state), port)
    state.write_settings(replace(state.read_settings(), registry_port=port))
    return Existing(host, f"localhost:{port}")


def find_docker_host() -> str | None:
    """The endpoint of an engine that answers."""
    if shutil.which("docker") is None or not attempt(None, "info", "--format", "{{.ServerVersion}}"):
        return None
    if os.environ.get("DOCKER_HOST"):
        return os.environ["DOCKER_HOST"]
    return attempt(None, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")


def find_obstacle(state: State, host: str) -> str | None:
    """Why the engine at `host` cannot serve the tests."""
    if not host.startswith(("unix://", "npipe://")):
        return "it is on another machine, and a registry on this one's loopback would be out of its reach"
    if attempt(host, "buildx", "version") is None:
        return "there is no `docker buildx`"
    if attempt(host, "pull", "--quiet", REGISTRY_IMAGE) is None:
        return f"it cannot pull {REGISTRY_IMAGE}"
    build = ("buildx", "build", "--builder", "default", "--output", "type=cacheonly", "-")
    if attempt(host, *build, stdin=PROBE, environ=builder_environ(state)) is None:
        return "it cannot resolve python:3.11-slim"
    return None


def container_name(state: State) -> str:
    return f"pycache-registry-{state.id}"


def find_registry(state: State, host: str) -> str | None:
    port = state.read_settings().registry_port
    name = attempt(host, "ps", "--quiet", "--filter", f"name=^{container_name(state)}$")
    return f"localhost:{port}" if name and answers(f"localhost:{port}") else None


def start_registry(state: State, host: str, path: Path, port: int) -> RegistryContainer:
    name = f"{container_name(state)}-{secrets.token_hex(4)}"
    path.mkdir(parents=True, exist_ok=True)
    return start_container(state, host, name, port, "--volume", f"{path}:/var/lib/registry")


def start_container(state: State, host: str, name: str, port: int, *options: str) -> RegistryContainer:
    attempt(host, "rm", "--force", "--volumes", name)  # one that has ended
    publish = f"127.0.0.1:{port}:5000"
    labels = ("--label", f"{LABEL}={state.id}", "--env", "REGISTRY_STORAGE_DELETE_ENABLED=true")
    docker(host, "run", "--detach", "--name", name, "--publish", publish, *labels, *options, REGISTRY_IMAGE)
    registry = RegistryContainer(address=f"localhost:{port}", name=name, docker_host=host)
    wait_for_registry(registry)
    return registry


def wait_for_registry(registry: RegistryContainer) -> None:
    for _ in range(600):
        if answers(registry.address):
            return
        time.sleep(0.05)
    raise EngineError(f"the registry container {registry.name} does not answer at {registry.address}")


def create_builder(state: State, host: str) -> str:
    """A builder with an empty store. It shares the host's network, and so reaches our registry at localhost."""
    name = f"pycache-fresh-{secrets.token_hex(4)}"
    driver = ("--driver", "docker-container", "--driver-opt", "network=host")
    docker(host, "buildx", "create", "--name", name, *driver, "--bootstrap", environ=builder_environ(state))
    return name


def remove_builder(state: State, host: str, name: str) -> None:
    docker(host, "buildx", "rm", "--force", name, environ=builder_environ(state))


def builder_environ(state: State) -> dict[str, str]:
    """Our builders are kept apart from the user's."""
    return {"BUILDX_CONFIG": str(state.path / "buildx")}


def remove(state: State) -> None:
    """Removes our containers and builders from the engine that was there, if one answers."""
    host = find_docker_host()
    if host is None:
        return
    containers = (attempt(host, "ps", "--all", "--quiet", "--filter", f"label={LABEL}={state.id}") or "").split()
    if containers:
        docker(host, "rm", "--force", "--volumes", *containers)
        say("registry container removed")
    instances = state.path / "buildx" / "instances"
    for path in instances.glob("pycache-fresh-*") if instances.exists() else ():
        remove_builder(state, host, path.name)


def docker(
    host: str | None,
    *arguments: str,
    stdin: str = "",
    environ: Mapping[str, str] | None = None,
    seconds: float = 300,
) -> str:
    """Runs `docker`; what it printed, or `EngineError` with its last words."""
    chosen = {"DOCKER_HOST": host, "DOCKER_CONTEXT": ""} if host else {}
    try:
        done = subprocess.run(
            ["docker", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            env={**os.environ, **chosen, **(environ or {})},
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"docker {' '.join(arguments[:2])} has not ended after {seconds:.0f} s") from error
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["no reason given"]
        raise EngineError(f"docker {' '.join(arguments[:2])} failed: {words[-1]}")
    return done.stdout.strip()


def attempt(host: str | None, *arguments: str, stdin: str = "", environ: Mapping[str, str] | None = None) -> str | None:
    """Like `docker`, but `None` when it fails, or has not ended after a minute."""
    try:
        return docker(host, *arguments, stdin=stdin, environ=environ, seconds=60)
    except EngineError:
        return None
