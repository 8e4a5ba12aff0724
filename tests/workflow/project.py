"""Repositories that workflows run for, and the events that start them."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REPOSITORY = "org/project"
PULL_REQUEST = 7

DOCKERFILE = """\
FROM {base}
ENV PROJECT={name}
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . /app
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What starts a workflow run, for one commit of a project."""

    name: str
    folder: Path
    document: Mapping[str, Any]
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Project:
    """A Git repository with a Dockerfile, dependencies and one workflow file, not committed yet."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o644)

    def commit(self) -> str:
        """Commit all files; the commit's hash."""
        if not (self.folder / ".git").exists():
            self.git("init", "--quiet", "--initial-branch", "main")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        who = {
            f"GIT_{role}_{what}": "someone@example.com"
            for role in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        plain = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**os.environ, **who, **plain},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def push(self, branch: str = "main") -> Event:
        """Someone pushed what is there now."""
        return self._event("push", {"ref": f"refs/heads/{branch}", "deleted": False, "after": self.commit()})

    def pull_request(self, *, fork: str = "") -> Event:
        """Someone opened a pull request with what is there now, or pushed to it; `fork` is where it comes from."""
        sha = self.commit()
        head = {"ref": "topic", "sha": sha, "repo": {"full_name": fork or REPOSITORY}}
        pull_request = {"number": PULL_REQUEST, "head": head, "base": {"ref": "main", "sha": sha}}
        document = {"action": "synchronize", "number": PULL_REQUEST, "pull_request": pull_request}
        return self._event("pull_request", document)

    def _event(self, name: str, document: Mapping[str, Any]) -> Event:
        repository = {"full_name": REPOSITORY, "default_branch": "main", "private": False}
        return Event(
            name=name,
            folder=self.folder,
            document={**document, "repository": repository},
            environ={"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_RUN_ID": "1001"},
        )
