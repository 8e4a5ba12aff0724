"""One run of a workflow: the action's own program, in the environment that GitHub's runner gives it.

GitHub's API is the only part that is played: a stand-in takes the comment, so that it can be shown.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.engine import fresh_runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from tests.support.github_api import GitHubApi
    from tools.demo.project import Edit
    from tools.engine import Engine, Runner

ACTION = Path(sys.executable).with_name("pycache-action")
REPOSITORY = "org/tables"
PULL_REQUEST = 7
# What stands for docker.io on a machine that does not reach it has this image; so has docker.io.
HELPER = "docker-image://busybox:1.37"
FOREIGN = ("GITHUB_", "RUNNER_", "ACTIONS_", "INPUT_", "DOCKER_", "BUILDX_")


class DemoError(Exception):
    """The action ended with an error; the message is the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRun:
    """What happens to the project, and as which event GitHub would tell of it."""

    title: str
    edit: Edit | None = None
    is_pull_request: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`seconds` is what the action took from start to end; `report` is its report."""

    title: str
    seconds: float
    report: dict[str, Any] = field(repr=False)

    def to_json(self) -> dict[str, object]:
        return {"title": self.title, "seconds": round(self.seconds, 1), "report": self.report}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the runs take place: images and cache go to `registry`, the project is in `folder/project`.

    A runner is ended with `runners`, not with its run: removing its files would slow the next one down.
    """

    engine: Engine
    registry: str
    github: GitHubApi
    folder: Path
    runners: ExitStack

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def play(self, run: WorkflowRun, on_line: Callable[[str], None]) -> Outcome:
        """Run the action on a new runner; `on_line` gets its log. Raises `DemoError`."""
        if run.edit is not None:
            run.edit.apply(self.project)
        on_line("a new runner is started")
        environ = self._environ(run, self.runners.enter_context(fresh_runner(self.engine)))
        started = time.monotonic()
        lines = _follow(environ, self.project, on_line)
        seconds = time.monotonic() - started
        if lines.exit_code != 0:
            raise DemoError(f"{run.title}: exit code {lines.exit_code}\n" + "\n".join(lines.last))
        return Outcome(title=run.title, seconds=seconds, report=json.loads(self._report.read_text()))

    @property
    def _report(self) -> Path:
        return self.project / "report.json"

    def _environ(self, run: WorkflowRun, runner: Runner) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        temp = self.folder / "temp"
        temp.mkdir(exist_ok=True)
        return {
            **own,
            **self.engine.environ,
            **runner.environ,
            "PATH": os.pathsep.join((str(_link_buildx(self.folder)), self.engine.environ["PATH"])),
            "PYCACHE_HELPER": os.environ.get("PYCACHE_HELPER", HELPER),
            "RUNNER_TEMP": str(temp),
            **self._github_environ(run),
            "INPUT_CONTEXT": ".",
            "INPUT_TAGS": f"{self.registry}/tables:latest",
            "INPUT_PUSH": "true",
            "INPUT_CACHE": f"registry,ref={self.registry}/tables-cache",
            "INPUT_REPORT": self._report.name,
            "INPUT_GITHUB-TOKEN": self.github.token,
            "INPUT_BUILDER": runner.builder or "",
        }

    def _github_environ(self, run: WorkflowRun) -> dict[str, str]:
        head = secrets.token_hex(20)
        event: dict[str, Any] = {"repository": {"default_branch": "main", "private": False, "full_name": REPOSITORY}}
        if run.is_pull_request:
            files = () if run.edit is None else (run.edit.file,)
            self.github.add_pull(PULL_REQUEST, head_branch="topic", head_sha=head, files=files)
            there = {"repo": {"full_name": REPOSITORY}, "ref": "topic", "sha": head}
            event |= {
                "action": "opened",
                "pull_request": {"number": PULL_REQUEST, "head": there, "base": {"ref": "main"}},
            }
        path = self.folder / "event.json"
        path.write_text(json.dumps(event))
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.github.url,
            "GITHUB_GRAPHQL_URL": self.github.graphql_url,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_ACTOR": "octocat",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": "1",
            "GITHUB_SHA": head,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_WORKSPACE": str(self.project),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "GITHUB_EVENT_NAME": "pull_request" if run.is_pull_request else "push",
            "GITHUB_REF": f"refs/pull/{PULL_REQUEST}/merge" if run.is_pull_request else "refs/heads/main",
            "GITHUB_HEAD_REF": "topic" if run.is_pull_request else "",
            "GITHUB_BASE_REF": "main" if run.is_pull_request else "",
        }

    def read_comment(self) -> str:
        """The comment on the pull request, empty where none was posted."""
        comments = self.github.comments(PULL_REQUEST)
        return comments[-1].body if comments else ""


@dataclass(frozen=True, slots=True)
class _Ended:
    exit_code: int
    last: list[str]


def _follow(environ: dict[str, str], folder: Path, on_line: Callable[[str], None]) -> _Ended:
    last: list[str] = []
    with subprocess.Popen(
        [str(ACTION)],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = [*last[-39:], line.rstrip()]
            on_line(line.strip())
    return _Ended(process.returncode, last)


def _link_buildx(folder: Path) -> Path:
    """A folder with `buildx`, as the action's image has it: found even where the plugin is in one user's home."""
    links = folder / "bin"
    links.mkdir(exist_ok=True)
    plugins = subprocess.run(
        ["docker", "info", "--format", "{{json .ClientInfo.Plugins}}"], capture_output=True, text=True, check=False
    )
    for plugin in json.loads(plugins.stdout or "null") or ():
        if plugin["Name"] == "buildx" and not (links / "buildx").exists():
            (links / "buildx").symlink_to(plugin["Path"])
    return links
