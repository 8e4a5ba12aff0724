"""Which builder builds: the one asked for, else the engine's own where it can export caches, else one of ours."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pycache_action.errors import BuilderUnavailable, InputError

if TYPE_CHECKING:
    from pycache_action.buildx.client import Buildx

OWN_BUILDER = "pycache"
# Only the containerd image store can export caches from the engine's own builder:
# https://docs.docker.com/build/cache/backends/#driver-support
CONTAINERD_STORE = "org.mobyproject.buildkit.worker.containerd.namespace"
BOOT_SECONDS = 180
OLDEST_BUILDKIT = (0, 12)  # cache exports whose errors can be ignored; Docker Engine 25 has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """A builder as `buildx ls` tells of it."""

    name: str
    driver: str
    containerd_store: bool
    running: bool
    error: str = ""
    current: bool = False
    buildkit: str = ""

    @property
    def exports_caches(self) -> bool:
        """Whether `--cache-to` works on it."""
        return self.driver != "docker" or self.containerd_store


def choose_builder(buildx: Buildx, asked_for: str, *, join: bool, in_container: bool = False) -> Builder:
    """The builder to use.

    `join`: a builder that another step made is not known here, but its container can be joined by name. `in_container`:
    what is asked for is beyond the engine's own builder, so without a name it must be one in a container. Raises
    `BuilderUnavailable` without an engine or with one that is too old, `InputError` for a builder that does not exist.
    """
    chosen = _choose(buildx, asked_for, join=join, in_container=in_container)
    version = re.match(r"v?(\d+)\.(\d+)\.\d+$", chosen.buildkit)
    if version and (0, 0) < (int(version[1]), int(version[2])) < OLDEST_BUILDKIT:
        raise BuilderUnavailable(
            f"The BuildKit of builder {chosen.name} is {chosen.buildkit}; "
            f"{OLDEST_BUILDKIT[0]}.{OLDEST_BUILDKIT[1]} or newer is needed",
            hint="Docker Engine 25 has it, and docker/setup-buildx-action brings a new one in a container.",
        )
    return chosen


def _choose(buildx: Buildx, asked_for: str, *, join: bool, in_container: bool) -> Builder:
    builders = _list_builders(buildx)
    if asked_for:
        known = next((each for each in builders if each.name == asked_for), None)
        if known is not None:
            return known
        if join:
            return _join(buildx, asked_for)
        names = ", ".join(sorted(each.name for each in builders)) or "none"
        raise InputError(f"builder: there is no builder {asked_for!r}", hint=f"The builders are: {names}.")
    current = next((each for each in builders if each.current), None)
    suits = current is not None and current.exports_caches and not (in_container and current.driver == "docker")
    if current is not None and suits and not current.error:
        return current
    if current is not None and current.error:
        raise BuilderUnavailable(
            f"The Docker Engine does not answer: {current.error}",
            hint="Start Docker, or name another builder with `builder`.",
        )
    own = next((each for each in builders if each.name == OWN_BUILDER), None)
    return own or _create(buildx, OWN_BUILDER)


def _list_builders(buildx: Buildx) -> tuple[Builder, ...]:
    answer = buildx.run("ls", "--format", "json", deadline=60)
    if answer.exit_code != 0:
        raise BuilderUnavailable(
            f"buildx cannot list its builders: {answer.stderr.strip()[-500:]}",
            hint="Is Docker running, and may this user reach its socket?",
        )
    return tuple(builder for line in answer.stdout.splitlines() if (builder := _parse_builder(line)) is not None)


def _parse_builder(line: str) -> Builder | None:
    try:
        wire: dict[str, Any] = json.loads(line)
    except ValueError:  # a warning among the builders, or half a line
        return None
    nodes = wire.get("Nodes") or [{}]
    node = nodes[0]
    return Builder(
        name=str(wire.get("Name")),
        driver=str(wire.get("Driver")),
        containerd_store=CONTAINERD_STORE in (node.get("Labels") or {}),
        running=node.get("Status") == "running",
        error=str(wire.get("Err") or node.get("Err") or ""),
        current=bool(wire.get("Current")),
        buildkit=str(node.get("Version") or ""),
    )


def _join(buildx: Buildx, name: str) -> Builder:
    """`create` of the same name attaches to the container `buildx_buildkit_<name>0` if it is there."""
    created = buildx.run("create", "--name", name, "--driver", "docker-container", deadline=60)
    found = next((each for each in _list_builders(buildx) if each.name == name), None)
    if created.exit_code == 0 and found is not None and found.running:
        return found
    if created.exit_code == 0:
        buildx.run("rm", "--force", name, deadline=60)
    raise InputError(
        f"builder: no step of this job made a builder {name!r} that is still running",
        hint="Give docker/setup-buildx-action an id and write builder: ${{ steps.<id>.outputs.name }}, or leave it out.",
    )


def _create(buildx: Buildx, name: str) -> Builder:
    """`network=host` lets it reach a registry on the runner's own loopback, as a job's `services:` are."""
    answer = buildx.run(
        *("create", "--name", name, "--driver", "docker-container", "--driver-opt", "network=host", "--bootstrap"),
        deadline=BOOT_SECONDS,
    )
    if answer.exit_code != 0:
        raise BuilderUnavailable(
            f"A docker-container builder cannot be made: {answer.stderr.strip()[-500:]}",
            hint="This engine's own builder cannot export caches. Switch on the containerd image store, or make a builder "
            "with docker/setup-buildx-action and name it with `builder`.",
        )
    return Builder(name=name, driver="docker-container", containerd_store=False, running=True)
