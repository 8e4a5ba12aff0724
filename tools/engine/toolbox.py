"""What the workflow tests need beyond an engine: act, actionlint, BuildKit's images and a runner's image for act."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.engine import official_python
from tools.engine.engine import fresh_runner
from tools.engine.gotools import (
    ACT,
    ACTIONLINT,
    BUILDCTL,
    BUILDKITD,
    FRONTEND,
    Go,
    container_go,
    ensure_debian_go,
    ensure_program,
    find_installed_go,
    remove_caches,
)
from tools.engine.packages import CERTIFICATES, SYSTEM_REVISION, Suite, extract
from tools.engine.programs import SUITE, require_programs
from tools.engine.registry import Client
from tools.engine.seed import Seed, copy_upstream, is_upstream_reachable, seed_registry
from tools.engine.steps import run, step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tools.engine.engine import Engine
    from tools.engine.state import State

RUNNER = "actions/runner:act"
RUNNER_REVISION = "2"
# act copies files through /var/run, which the engine refuses where it is an absolute link
RUNNER_DOCKERFILE = """\
FROM python:3.11-slim
RUN apt-get update && apt-get install --yes --no-install-recommends nodejs git \\
 && rm -rf /var/lib/apt/lists/* /var/run && ln -s ../run /var/run
COPY --from=docker:28-cli /usr/local/bin/docker /usr/local/bin/docker
COPY --from=docker/buildx-bin:0.29.1 /buildx /usr/local/lib/docker/cli-plugins/docker-buildx
"""
BUILDKITD_TOML = """\
[registry."docker.io"]
  mirrors = ["{mirror}"]
[registry."{mirror}"]
  http = true
"""
BUILDKITD_PACKAGES = ("runc", "git", "sed", "ca-certificates", "dash", "coreutils")


@dataclass(frozen=True, slots=True)
class Tools:
    """`runner_image` is for act's `-P ubuntu-latest=`; it holds python, node, git, docker and buildx."""

    act: Path
    actionlint: Path
    runner_image: str


def ensure_tools(engine: Engine) -> Tools:
    """Builds what is not there: some minutes the first time, nothing afterwards."""
    state = engine.state
    with state.locked("tools-lock"):
        act, actionlint = (ensure_program(state, program, lambda: find_go(engine)) for program in (ACT, ACTIONLINT))
        if engine.is_ours:
            seed_registry(state, engine.registry, [DOCKERFILE, BUILDKIT, DOCKER_CLI])
            ensure_official_python(engine)
        ensure_runner_image(engine)
        remove_caches(state)
        for program in (act, actionlint):
            link(state.bin / program.name, program)
    return Tools(act, actionlint, f"{engine.registry}/{RUNNER}")


def find_go(engine: Engine) -> Go:
    installed = find_installed_go()
    if installed is not None:
        return installed
    return ensure_debian_go(engine.state) if engine.is_ours else container_go(engine.state, engine.docker_host)


def link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def ensure_runner_image(engine: Engine) -> None:
    names = [RUNNER, f"{RUNNER}-{RUNNER_REVISION}"]
    if Client(engine.registry).has(names[-1]):
        return
    with step(f"image {RUNNER}"):
        context = engine.state.path / "seeds" / "runner"
        context.mkdir(parents=True, exist_ok=True)
        (context / "Dockerfile").write_text(RUNNER_DOCKERFILE)
        build_on_fresh_runner(engine, names, context)


def ensure_official_python(engine: Engine) -> None:
    state, name = engine.state, official_python.NAME
    names = [name, f"{name}-{SYSTEM_REVISION}"]
    if Client(engine.registry).has(names[-1]):
        return
    with step(f"image {name}"):
        if is_upstream_reachable() and copy_upstream(state, name, [f"{engine.registry}/{one}" for one in names]):
            return
        seed_registry(state, engine.registry, [official_python.DEBIAN])
        context = state.path / "seeds" / "official-python"
        official_python.write_context(state, context)
        build_on_fresh_runner(engine, names, context)
        shutil.rmtree(context)


def build_on_fresh_runner(engine: Engine, names: Sequence[str], context: Path) -> None:
    """Like `build_image`, leaving nothing behind in the engine's store."""
    with fresh_runner(engine) as runner:
        build_image(engine, names, context, environ=runner.environ)


def build_image(
    engine: Engine, names: Sequence[str], context: Path, *options: str, environ: Mapping[str, str] | None = None
) -> None:
    """Builds `context` and pushes it to our registry alone; `environ` may name another builder."""
    tags = (f"--tag={engine.registry}/{name}" for name in names)
    output = ("--provenance=false", "--progress=plain", "--output=type=image,push=true,unpack=false")
    log = engine.state.log(f"image-{names[0].rpartition('/')[2].replace(':', '-')}")
    argv = ["docker", "buildx", "build", *tags, *output, *options, str(context)]
    run(argv, log, environ={**os.environ, **engine.environ, **(environ or {})})


def build_here(state: State) -> Go:
    return find_installed_go() or ensure_debian_go(state)


def write_dockerfile(state: State, root: Path) -> None:
    (root / "bin").mkdir()
    shutil.copy(ensure_program(state, FRONTEND, lambda: build_here(state)), root / "bin")


def inner_registry_tag(state: State) -> str:
    return state.read_settings().inner_registry.replace(":", "-")


def write_buildkit(state: State, root: Path) -> None:
    """BuildKit's daemon and what it starts; it asks our registry first, as our engines do."""
    mirror = state.read_settings().inner_registry
    (root / "etc" / "buildkit").mkdir(parents=True)
    (root / "etc" / "buildkit" / "buildkitd.toml").write_text(BUILDKITD_TOML.format(mirror=mirror))
    suite = Suite(SUITE, state.path / "apt-buildkit", state.log("apt-buildkit"))
    extract(suite.fetch(BUILDKITD_PACKAGES), root)
    shutil.rmtree(suite.work)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name in ("usr/share/doc", "usr/share/man", "usr/share/locale"):
        shutil.rmtree(root / name, ignore_errors=True)
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc" / "ssl" / "certs").mkdir(parents=True, exist_ok=True)
    if CERTIFICATES.exists():
        shutil.copyfile(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    for program in (BUILDKITD, BUILDCTL):
        shutil.copy(ensure_program(state, program, lambda: build_here(state)), root / "usr" / "bin")


def write_docker_cli(state: State, root: Path) -> None:
    (root / "usr" / "local" / "bin").mkdir(parents=True)
    shutil.copy(require_programs(state).root / "usr" / "bin" / "docker", root / "usr" / "local" / "bin")


# what the frontend may do: https://github.com/moby/buildkit/blob/v0.32.2/frontend/dockerfile/cmd/dockerfile-frontend/Dockerfile
DOCKERFILE = Seed(
    "docker/dockerfile:1",
    write_dockerfile,
    {
        "Entrypoint": ["/bin/dockerfile-frontend"],
        "Labels": {
            "moby.buildkit.frontend.network.none": "true",
            "moby.buildkit.frontend.caps": "moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,"
            "moby.buildkit.frontend.contexts,moby.buildkit.frontend.gitquerystring",
        },
    },
)
BUILDKIT = Seed("moby/buildkit:buildx-stable-1", write_buildkit, {"Entrypoint": ["buildkitd"]}, inner_registry_tag)
DOCKER_CLI = Seed("library/docker:28-cli", write_docker_cli, {"Cmd": ["docker"]})
