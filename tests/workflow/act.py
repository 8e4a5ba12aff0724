"""Runs workflow files as GitHub would, by act: jobs and the action in containers, events, contexts, outputs, summaries.

What act does otherwise than GitHub, and what is done about it here:

- `RUNNER_TEMP` is `/tmp` of each container, so one folder is mounted there in all of them.
- Actions come from GitHub. Here ours comes from this checkout, with an image built from it, and those of others are
  played by short ones in `actions/` (`--local-repository`).
- The job's token for the cache service is a file's line, as are all secrets: nothing of them stands in an argument.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.workflow.project import Event

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
STAND_INS = {
    "actions/download-artifact": HERE / "actions" / "download-artifact",
    "actions/upload-artifact": HERE / "actions" / "upload-artifact",
    "docker/login-action": HERE / "actions" / "login",
    "docker/metadata-action": HERE / "actions" / "metadata",
    "docker/setup-buildx-action": HERE / "actions" / "setup-buildx",
    "docker/setup-qemu-action": HERE / "actions" / "setup-qemu",
}
TIMEOUT = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing act tells of. `command` is a workflow command, act's own words for it where there is a file instead."""

    step: str
    job: str
    text: str
    command: str = ""
    name: str = ""
    argument: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    result: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowResult:
    """How a workflow run ended and all that it told. `wire` is act's own log, without the lines that ask the runner to
    hide a value: those hold it, and no runner shows them.
    """

    exit_code: int
    entries: tuple[Entry, ...] = field(repr=False)
    wire: str = field(repr=False)

    @property
    def ok(self) -> bool:
        return self.exit_code == 0

    def outputs(self, step: str = "build") -> dict[str, str]:
        """The outputs of the step with this id."""
        return {each.name: each.argument for each in self._of(step) if each.command == "set-output"}

    def summary(self, step: str = "build") -> str:
        """What the step wrote into the job summary."""
        return "".join(each.argument for each in self._of(step) if each.command == "summary")

    def log(self, step: str = "build") -> str:
        """What the step printed, workflow commands left out."""
        return "".join(each.text for each in self._of(step) if not each.command)

    def result(self, step: str = "build") -> str:
        """`success` or `failure`; empty where the step did not run."""
        return next((each.result for each in self._of(step) if each.result), "")

    def annotations(self, step: str = "build") -> list[Entry]:
        """Errors, warnings and notices."""
        return [each for each in self._of(step) if each.command in ("error", "warning", "notice")]

    def step_exit_code(self, step: str = "build") -> int:
        """The exit code of a step that failed, 0 of one that did not."""
        told = re.search(r"exit with `FAILURE`: (\d+)", "".join(each.text for each in self.entries))
        return int(told[1]) if told and self.result(step) == "failure" else 0

    def _of(self, step: str) -> list[Entry]:
        return [each for each in self.entries if each.step == step]

    def __str__(self) -> str:
        told = (each.text or f"::{each.command} {dict(each.properties)}:: {each.argument}\n" for each in self.entries)
        return f"exit code {self.exit_code}\n" + "".join(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A machine that jobs run on: the engine they find at its socket, and its temp folder.

    `builder` is for where a new runner is but an empty builder of an engine that keeps its images.
    """

    socket: str
    temp: Path
    builder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """act itself: `image` is the runner's, `action_image` that of the action, `engine` what a process needs to reach
    the engine on which the containers of jobs and actions run. It is not the one that jobs find at their socket.
    """

    program: Path
    image: str
    action_image: str
    engine: Mapping[str, str]
    folder: Path

    def run(
        self,
        event: Event,
        runner: Runner,
        *,
        environ: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        options: Iterable[str] = ("--no-cache-server",),
    ) -> WorkflowResult:
        """Run the workflows of the event's project. `environ` is the jobs' environment, `variables` is `vars`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        runner.temp.mkdir(parents=True, exist_ok=True)
        runner.temp.chmod(0o1777)
        files = {
            "--eventpath": self._write("event.json", json.dumps(event.document)),
            "--env-file": self._write("environ", _lines({**event.environ, **(environ or {})})),
            "--var-file": self._write("variables", _lines(variables or {})),
            "--secret-file": self._write("secrets", _lines(secrets or {})),
        }
        ours = self._write_action(runner)
        actions = {"org/pycache-action@v1": ours, **_find_stand_ins(event.folder, ours)}
        argv = [
            *(str(self.program), event.name, "--json", "--insecure-secrets", "--pull=false", "--rm"),
            *("--platform", f"ubuntu-latest={self.image}", "--actor", "octocat", "--concurrent-jobs", "1"),
            *("--container-daemon-socket", runner.socket, "--container-options", f"--volume {runner.temp}:/tmp"),
            *(word for option in files.items() for word in option),
            *(word for name, path in actions.items() for word in ("--local-repository", f"{name}={path}")),
            *options,
        ]
        return self._run(argv, event.folder)

    def _run(self, argv: list[str], folder: Path) -> WorkflowResult:
        home = self.folder / "home"
        (home / ".config" / "act").mkdir(parents=True, exist_ok=True)
        (home / ".config" / "act" / "actrc").touch()  # or it asks which images to use
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
        done = subprocess.run(
            argv,
            cwd=folder,
            env={**kept, **self.engine, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=TIMEOUT,
        )
        told = [line for line in done.stdout.splitlines() if '"command":"add-mask"' not in line]
        entries = tuple(_parse_entry(json.loads(line)) for line in told if line.startswith("{"))
        assert any(each.step for each in entries), f"act ran nothing:\n{done.stdout}"
        result = WorkflowResult(exit_code=done.returncode, entries=entries, wire="\n".join(told))
        print(result)  # pytest shows it where the test fails
        return result

    def _write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return str(path)

    def _write_action(self, runner: Runner) -> Path:
        """Our repository as a release has it: action.yml names an image, not the Dockerfile."""
        text = (CHECKOUT / "action.yml").read_text()
        text, count = re.subn(r"(?m)^  image: Dockerfile$", f"  image: docker://{self.action_image}", text)
        assert count == 1, "action.yml does not say `image: Dockerfile`"
        if runner.builder:
            text = text.replace("\n  builder:\n", f"\n  builder:\n    default: {runner.builder}\n", 1)
        folder = self.folder / "action"
        workflows = Path(".github", "workflows")
        (folder / workflows).mkdir(parents=True, exist_ok=True)
        (folder / "action.yml").write_text(text)
        shutil.copy(CHECKOUT / workflows / "build.yml", folder / workflows)
        return folder


def _find_stand_ins(*folders: Path) -> dict[str, Path]:
    """Who plays which action at which version, for all workflows of these repositories."""
    texts = (path.read_text() for folder in folders for path in (folder / ".github" / "workflows").glob("*.yml"))
    used = (match for text in texts for match in re.findall(r"uses: ([^\s@]+)@(\S+)", text))
    return {f"{name}@{version}": STAND_INS[name] for name, version in used if name in STAND_INS}


def _lines(values: Mapping[str, str]) -> str:
    """Act reads them as dotenv; quotes keep what would be a comment or a reference."""
    return "".join(f"{name}={json.dumps(value)}\n" for name, value in values.items())


def _parse_entry(wire: dict[str, Any]) -> Entry:
    step = wire.get("stepID") or []
    is_command = "command" in wire
    return Entry(
        step=step[0] if len(step) == 1 else "",
        job=str(wire.get("jobID", "")),
        text="" if is_command else str(wire.get("msg", "")),
        command=str(wire.get("command", "")),
        name=str(wire.get("name", "")),
        argument=str(wire.get("content", wire.get("arg", ""))),
        properties=wire.get("kvPairs") or {},
        result=str(wire.get("stepResult", "")),
    )
