"""What engine tests are written with: tiny projects, and the product as a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pycache_action.buildx.client import find_buildx
from pycache_action.cache.backend import Off, Unavailable, choose_backend, parse_cache
from pycache_action.cache.store import Store
from pycache_action.process import SystemProcesses

if TYPE_CHECKING:
    from collections.abc import Mapping

PYCACHE = Path(sys.executable).with_name("pycache")
PYCACHE_ACTION = PYCACHE.with_name("pycache-action")
DOCKERFILE = """\
FROM {base}
ENV PROJECT={name}
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder that can be built. What is written is never newer than any cache needs it to be: only content counts."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / name

    def write(self, name: str, text: str | bytes) -> None:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(0o644)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replaces what must be there exactly once."""
        text = self.path(name).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How `pycache` ended: both streams as one text, and the JSON report where one was written."""

    exit_code: int
    output: str
    seconds: float
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self.report["install_steps"])

    @property
    def causes(self) -> list[dict[str, Any]]:
        """Every cause of every install step, in order."""
        return [cause for step in self.steps for cause in step["causes"]]

    @property
    def cause_ids(self) -> list[str]:
        return [cause["id"] for cause in self.causes]

    @property
    def all_cached(self) -> bool:
        return bool(self.steps) and all(step["cached"] for step in self.steps)

    @property
    def lost(self) -> float:
        """Seconds that went by outside the attempt that made the image, the time of the program's start included."""
        return self.seconds - float(self.report["timings"]["build"])

    def __str__(self) -> str:
        return f"exit code {self.exit_code} after {self.seconds:.1f} s\n{self.output}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """`pycache` with the environment it runs in; `on` gives the same on another engine."""

    environ: Mapping[str, str] = field(repr=False)
    folder: Path

    def on(self, environ: Mapping[str, str]) -> Product:
        return replace(self, environ={**self.environ, **environ})

    def build(self, project: Project, *options: str, timeout: float = 120) -> Outcome:
        """`pycache build`, to its end."""
        report = self.folder / f"report-{os.getpid()}-{time.monotonic_ns()}.json"
        outcome = self.run("build", str(project.folder), "--report", str(report), *options, timeout=timeout)
        return replace(outcome, report=json.loads(report.read_text()) if report.exists() else {})

    def act(self) -> Outcome:
        """The action, to its end; its inputs are in the environment."""
        return self.run(program=PYCACHE_ACTION)

    def run(self, *arguments: str, timeout: float = 120, program: Path = PYCACHE) -> Outcome:
        started = time.monotonic()
        with self.start(*arguments, program=program) as process:
            try:
                output, _ = process.communicate(timeout=timeout)
            except BaseException:
                process.kill()
                raise
        seconds = time.monotonic() - started
        assert "Traceback (most recent call last)" not in output, output
        return Outcome(exit_code=process.returncode, output=output, seconds=seconds)

    def start(self, *arguments: str, program: Path = PYCACHE) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(program), *arguments],
            env=dict(self.environ),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def store(self, cache: str) -> Store:
        """The documents that the product keeps in `cache`, to read and to spoil."""
        backend = choose_backend(parse_cache(cache), environ=self.environ, cache_ref="", folder=self.folder)
        assert not isinstance(backend, Off | Unavailable)
        buildx = find_buildx(SystemProcesses(), self.environ)
        return Store(buildx=buildx, helper=self.environ["PYCACHE_HELPER"], backend=backend)

    def docker(self, *arguments: str, stdin: str = "", timeout: float = 120) -> str:
        """`docker`, for what tests need around the product."""
        done = subprocess.run(
            ["docker", *arguments],
            env=dict(self.environ),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        assert done.returncode == 0, f"docker {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout


def find_children(pid: int) -> set[int]:
    """All processes that `pid` started, and those that these did."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(re.sub(r".*\) ", "", (entry / "stat").read_text()).split()[1])
            except OSError:
                continue
    found: set[int] = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def is_alive(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
