"""Records what a real engine says, for the unit tests to replay: `python -m tools.record [GROUP]...`

Without groups, everything is recorded anew; it takes a few minutes. Needs what the engine tests need (`tools.engine`).
Recordings go to `tests/recordings/data`, one folder per session (see `tests.recordings.session`). Nothing in them is
typed by hand. What depends on the machine is replaced by this tool, by these rules:

- temporary folders: `{temp}` (in arguments and paths of written files alike);
- the folder of the project: `{project}`; the engine's socket: `unix:///var/run/docker.sock`;
- the proxy that breaks connections: `127.0.0.1:5998`; ports of connections: `127.0.0.1:0`;
- private addresses: `192.0.2.1`;
- the name of this machine: `machine`; its home folder: `{home}`;
- the ids of builds that buildx makes up: 25 zeros.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import tempfile
import threading
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.recordings.projects import (
    PIP,
    PROXY,
    REGISTRY,
    SOURCE_LAST,
    STATIC,
    VENV,
    Quiet,
    Shop,
    build_shop,
    make_buildx,
    make_job,
    save_shop,
)
from tests.recordings.session import Call, Folders, write_session
from tests.support.faults import Cut, Dead, Mode, Pass, Silent, Status
from tests.support.faulty import FaultyProxy
from tools.engine import Engine, ensure_engine, fresh_runner, start_registry

from pycache_action.build import build_image
from pycache_action.buildx.builder import choose_builder
from pycache_action.buildx.client import find_buildx
from pycache_action.errors import PycacheError
from pycache_action.process import Completed, SystemProcesses
from pycache_action.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pycache_action.job import Job

BUILD_ID = re.compile(r"\b[a-z0-9]{25}\b")
CONNECTION = re.compile(r"(?<=127\.0\.0\.1:)\d+(?=->)")
PRIVATE_ADDRESS = re.compile(r"\b(?:10\.\d{1,3}|172\.(?:1[6-9]|2\d|3[01])|192\.168)(?:\.\d{1,3}){2}\b")
PORT = int(REGISTRY.rpartition(":")[2])
NO_SUCH_CACHE = f"type=registry,ref={REGISTRY}/cache:none"
BUILT = {"push": True, "tags": f"{REGISTRY}/shop:latest"}


class Recorder:
    """Runs programs and keeps what they did, as a session."""

    def __init__(self, replaced: Mapping[str, str]) -> None:
        self.calls: list[Call] = []
        self._replaced = replaced  # grows while the session is recorded

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
        heard: list[str] = []

        def hear(line: str) -> None:
            heard.append(f"{line}\n")
            if on_error_line is not None:
                on_error_line(line)

        answer = SystemProcesses().run(
            arguments,
            environment=environment,
            standard_input=standard_input,
            on_error_line=hear,
            watchdog=watchdog,
            deadline=deadline,
        )
        folders = Folders(arguments)
        self.calls.append(
            Call(
                arguments=tuple(self._scrub(folders.hide(argument)) for argument in arguments),
                exit_code=answer.exit_code,
                stdout=self._scrub(folders.hide(answer.stdout)),
                # What a program said while it was being ended was not listened to.
                stderr=self._scrub(folders.hide("".join(heard) if answer.stopped else answer.stderr)),
                seconds=answer.seconds,
                stopped=self._scrub(answer.stopped),
                files=self._read_files(folders),
            )
        )
        return answer

    def _read_files(self, folders: Folders) -> dict[str, bytes]:
        """What was written: metadata files and exported documents. Secrets, which we wrote, are none of that."""
        files: dict[str, bytes] = {}
        for folder in folders.names:
            for file in sorted(Path(folder).rglob("*")):
                if file.is_file() and (file.name == "metadata.json" or file.name.startswith("shop")):
                    content = file.read_bytes()
                    scrubbed = self._scrub(content.decode()).encode() if file.suffix == ".json" else content
                    files[folders.hide(str(file))] = scrubbed
        return files

    def _scrub(self, text: str) -> str:
        for found, name in self._replaced.items():
            text = text.replace(found, name)
        return PRIVATE_ADDRESS.sub("192.0.2.1", CONNECTION.sub("0", BUILD_ID.sub("0" * 25, text)))


class Studio:
    """An engine to start new runners on, a registry of its own that is empty at first, and a folder for the project."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.registry = start_registry(engine, folder / "registry", PORT)
        self.replaced = {
            str(folder / "project"): "{project}",
            str(Path.home()): "{home}",
            socket.gethostname(): "machine",
        }

    @contextmanager
    def runner(self, name: str, shop: Shop) -> Iterator[tuple[Recorder, dict[str, str]]]:
        """A new runner with the project checked out: what is run on it is recorded under this name, unless empty."""
        project = self.folder / "project"
        shutil.rmtree(project, ignore_errors=True)
        shop.write(project)
        with fresh_runner(self.engine) as runner, chdir(project):
            environment = {**os.environ, **self.engine.environ, **runner.environ}
            environment.pop("BUILDX_BUILDER", None)
            self.replaced[runner.docker_host] = "unix:///var/run/docker.sock"
            recorder = Recorder(self.replaced)
            yield recorder, environment
        if name:
            write_session(name, recorder.calls)
            print(f"{name}: {len(recorder.calls)} calls", flush=True)

    def run(self, name: str, shop: Shop, job: Job) -> None:
        """The whole story."""
        with self.runner(name, shop) as (recorder, environment):
            report, _ = run(job, make_buildx(recorder, environment), Quiet())
        print(f"  {report.result.value} {[cause.id.value for cause in report.causes]} {report.warnings}", flush=True)

    def build(self, name: str, shop: Shop, *imports: str) -> None:
        """The build alone."""
        with self.runner(name, shop) as (recorder, environment):
            built = build_image(
                make_buildx(recorder, environment),
                lambda caches, file: build_shop(shop, caches, file),
                imports,
                Quiet(),
            )
        print(f"  exit code {built.exit_code} {built.cache_fault}", flush=True)

    def build_through(self, name: str, mode: Mode, shop: Shop, *, mended_after: float = 0) -> None:
        """The build alone, its cache behind a connection with this fault, for ever or for some seconds."""
        with self.through(mode) as proxy:
            if mended_after:
                threading.Timer(mended_after, setattr, (proxy, "mode", Pass())).start()
            self.build(name, shop, f"type=registry,ref={proxy.address}/cache:layers")

    def lose_largest_layer(self) -> None:
        """What a clean-up of the registry does that keeps the index of a cache and not its layers."""
        self.registry.stop()
        blobs = (self.folder / "registry").rglob("blobs/sha256/*/*/data")
        max(blobs, key=lambda file: file.stat().st_size).unlink()
        self.registry = start_registry(self.engine, self.folder / "registry", PORT)

    @contextmanager
    def through(self, mode: Mode) -> Iterator[FaultyProxy]:
        with FaultyProxy(REGISTRY, mode=mode) as proxy:
            self.replaced[proxy.address] = PROXY
            yield proxy


def record_pip(studio: Studio) -> None:
    """A project with a requirements file: four runs of its workflow, each on a new runner."""
    shop = Shop(inputs=BUILT)
    studio.run("pip-cold", shop, make_job(shop))
    studio.run("pip-unchanged", shop, make_job(shop))
    rewritten = Shop(inputs=BUILT, requirements="# what we need\n" + shop.requirements)
    studio.run("pip-comment-added", rewritten, make_job(rewritten))
    added = Shop(inputs=BUILT, requirements=shop.requirements + "gamma==2.0\n")
    studio.run("pip-dependency-added", added, make_job(added, branches=("feature", "main")))


def record_venv(studio: Studio) -> None:
    """A virtual environment that is copied from one stage to another."""
    shop = Shop(dockerfile=VENV, inputs=BUILT)
    studio.run("venv-cold", shop, make_job(shop))
    studio.run("venv-unchanged", shop, make_job(shop))
    edited = Shop(dockerfile=VENV.replace("WORKDIR /src", "WORKDIR /build"), inputs=BUILT)
    studio.run("venv-instruction-changed", edited, make_job(edited))


def record_local(studio: Studio) -> None:
    """A cache in a folder: cold, in a builder that still has all of it, and in a new one."""
    shop = Shop(dockerfile=STATIC, inputs={})
    job = make_job(shop, cache="local,path=../cache")
    shutil.rmtree(studio.folder / "cache", ignore_errors=True)
    studio.run("local-cold", shop, job)
    studio.run("local-new-builder", shop, job)


def record_failures(studio: Studio) -> None:
    """Builds that fail for the user's own reasons, with a cache that has nothing."""
    shops = {
        "failing-step": Shop(requirements="alpha==99\n"),
        "missing-file": Shop(dockerfile=PIP.replace("COPY app.py", "COPY no-such-file.py")),
        "no-such-base": Shop(dockerfile=PIP.replace("python:3.11-slim", "python:0.0-none")),
        "parse-error": Shop(dockerfile="FROM scratch\nCOPPY a b\n"),
        "no-such-target": Shop(inputs={"target": "nowhere"}),
    }
    for name, shop in shops.items():
        studio.build(name, shop, NO_SUCH_CACHE)
    failing = Shop(requirements="alpha==99\n", inputs=BUILT)
    studio.run("run-failing-step", failing, make_job(failing))


def record_cache_faults(studio: Studio) -> None:
    """Caches that fail in the middle of a build which needs what they hold."""
    shop = Shop(dockerfile=SOURCE_LAST)
    with studio.runner("save", shop) as (recorder, environment):
        buildx = make_buildx(recorder, environment)
        export = f"type=registry,ref={REGISTRY}/cache:layers,mode=max,ignore-error=true"
        for command in (build_shop(shop, [], Path("unused")), save_shop(shop, [export], Path("unused"))):
            buildx.run(*command.with_progress("rawjson").arguments)
    shop = Shop(dockerfile=SOURCE_LAST, source="import beta\n")
    studio.build_through("import-cut", Cut(after_bytes=100_000), shop)
    studio.build_through("import-silent", Silent(), shop, mended_after=13)
    studio.build_through("import-unauthorised", Status(401), shop)
    studio.build_through("import-refused", Dead(), shop)
    studio.build_through("import-server-error", Status(500), shop)
    with studio.runner("export-server-error", shop) as (recorder, environment), studio.through(Status(500)) as proxy:
        buildx = make_buildx(recorder, environment)
        export = f"type=registry,ref={proxy.address}/cache:layers,mode=max,ignore-error=true"
        for command in (build_shop(shop, [], Path("unused")), save_shop(shop, [export], Path("unused"))):
            buildx.run(*command.with_progress("rawjson").arguments)
    studio.lose_largest_layer()
    studio.build("import-layer-lost", shop, f"type=registry,ref={REGISTRY}/cache:layers")


def record_platforms(studio: Studio) -> None:
    """Two platforms at once; nothing is run in either."""
    studio.build("two-platforms", Shop(dockerfile=STATIC, inputs={"platforms": "linux/amd64,linux/arm64"}))


def record_builders(studio: Studio) -> None:
    """What buildx says of itself and of its builders, with an engine and without."""
    with studio.runner("builders", Shop()) as (recorder, environment):
        choose_builder(find_buildx(recorder, environment), "", join=False)
    with studio.runner("no-engine", Shop()) as (recorder, environment):
        environment["DOCKER_HOST"] = "unix:///var/run/nowhere.sock"
        try:
            choose_builder(find_buildx(recorder, environment), "", join=False)
        except PycacheError as error:
            print(f"  {error}")


GROUPS: Mapping[str, Callable[[Studio], None]] = {
    "pip": record_pip,
    "venv": record_venv,
    "local": record_local,
    "failures": record_failures,
    "faults": record_cache_faults,
    "platforms": record_platforms,
    "builders": record_builders,
}


def main(names: Sequence[str]) -> None:
    """Record these groups, or all of them."""
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        sys.exit(f"no group {unknown[0]!r}; there are: {', '.join(GROUPS)}")
    engine = ensure_engine()
    for name in names or GROUPS:
        print(f"# {name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="recording-") as folder:
            studio = Studio(engine, Path(folder))
            try:
                GROUPS[name](studio)
            finally:
                studio.registry.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
