"""Programs built from the Go module proxy: act, actionlint and BuildKit's, checked against Go's checksum database.

Go is the machine's, when it is new enough to fetch the toolchain a module asks for (1.21); else Debian's, unpacked
into a folder; else, with an engine that was there, the one in the `golang` image.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.engine.packages import Suite, extract
from tools.engine.programs import SUITE
from tools.engine.registry import read_architecture
from tools.engine.steps import EngineError, run, step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tools.engine.state import State

GO_IMAGE = "golang:1.26"
FLAGS = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "auto", "GOFLAGS": "-mod=mod"}
BUILDKIT = "v0.32.2"
LEAN = "-s -w"


@dataclass(frozen=True, slots=True)
class GoProgram:
    """`package` of `module` at `version`; `flags` are the linker's."""

    name: str
    module: str
    version: str
    package: str
    flags: str = LEAN


def buildkit(name: str, package: str) -> GoProgram:
    module = "github.com/moby/buildkit"
    return GoProgram(name, module, BUILDKIT, f"{module}/{package}", f"{LEAN} -X {module}/version.Version={BUILDKIT}")


ACT = GoProgram("act", "github.com/nektos/act", "v0.2.87", "github.com/nektos/act")
ACTIONLINT = GoProgram(
    "actionlint", "github.com/rhysd/actionlint", "v1.7.12", "github.com/rhysd/actionlint/cmd/actionlint"
)
BUILDKITD = buildkit("buildkitd", "cmd/buildkitd")
BUILDCTL = buildkit("buildctl", "cmd/buildctl")
FRONTEND = buildkit("dockerfile-frontend", "frontend/dockerfile/cmd/dockerfile-frontend")


@dataclass(frozen=True, slots=True)
class Go:
    """`command` is what stands for `go`."""

    command: tuple[str, ...]
    environ: Mapping[str, str]


def program_path(state: State, program: GoProgram) -> Path:
    return state.path / "go-programs" / program.version / program.name


def ensure_program(state: State, program: GoProgram, find_go: Callable[[], Go]) -> Path:
    """Builds `program` unless that version of it is there."""
    target = program_path(state, program)
    if not target.exists():
        go = find_go()
        with step(f"{program.name} {program.version}"):
            build(state, program, go, target)
    return target


def build(state: State, program: GoProgram, go: Go, target: Path) -> None:
    """In a throw-away module, since `go install` refuses modules whose go.mod replaces others."""
    log = state.log(program.name)
    work = state.path / "go-work" / program.name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    output = work / "program"
    place = ("-C", str(work))
    for arguments in (
        ("mod", "init", *place, "throwaway"),
        ("get", *place, f"{program.package}@{program.version}"),
        ("build", *place, "-trimpath", f"-ldflags={program.flags}", "-o", str(output), program.package),
    ):
        run([*go.command, *arguments], log, environ=go.environ)
    output.rename(target)
    shutil.rmtree(work)


def find_installed_go() -> Go | None:
    """The machine's Go, when new enough."""
    found = shutil.which("go")
    if found is None:
        return None
    words = subprocess.run([found, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"go1\.(\d+)", words)
    return Go((found,), {**os.environ, **FLAGS}) if version and int(version[1]) >= 21 else None


def ensure_debian_go(state: State) -> Go:
    """Debian's Go, in a folder of ours."""
    root = state.path / f"go-{SUITE}"
    if not root.exists():
        with step(f"Go (Debian {SUITE})"):
            suite = Suite(SUITE, state.path / "apt-go", state.log("apt-go"))
            partial = root.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            extract(suite.fetch(["golang-go"]), partial)
            partial.rename(root)
            shutil.rmtree(suite.work)
    homes = sorted((root / "usr" / "lib").glob("go-1.*"))
    if not homes:
        raise EngineError(f"no Go in {root}: Debian's golang-go is laid out in a new way")
    return Go((str(homes[-1] / "bin" / "go"),), {**os.environ, **FLAGS, **caches(state), "GOROOT": str(homes[-1])})


def container_go(state: State, docker_host: str) -> Go:
    """The Go of Docker's image, building for this machine."""
    target = {"GOOS": platform.system().lower(), "GOARCH": read_architecture()}
    environ = (f"--env={key}={value}" for key, value in {**FLAGS, **caches(state), **target}.items())
    owner = f"--user={os.getuid()}:{os.getgid()}"
    volume = f"--volume={state.path}:{state.path}"
    command = ("docker", "run", "--rm", owner, volume, *environ, GO_IMAGE, "go")
    return Go(command, {**os.environ, "DOCKER_HOST": docker_host})


def caches(state: State) -> dict[str, str]:
    """`remove_caches` empties them: they are some gigabytes and serve once."""
    root = state.path / "go-caches"
    return {"GOPATH": str(root / "path"), "GOCACHE": str(root / "build")}


def remove_caches(state: State) -> None:
    """Go makes its module cache read-only, even its directories."""
    root = state.path / "go-caches"
    for directory, _, _ in os.walk(root):
        Path(directory).chmod(0o755)
    shutil.rmtree(root, ignore_errors=True)
