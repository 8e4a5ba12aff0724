"""Which workflow run this is: its commit, its branch, its pull request, and what it may read and write.

Variables: https://docs.github.com/actions/reference/workflows-and-actions/variables
Events: https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pycache_action.cache.naming import Branches

if TYPE_CHECKING:
    from collections.abc import Mapping

LOW_TRUST_EVENTS = ("pull_request_target", "issue_comment")
EVENTS_ON_A_BRANCH = ("push", "workflow_dispatch", "create")

_QUEUE = re.compile(r"gh-readonly-queue/(?P<base>.+)/pr-(?P<number>\d+)-[0-9a-f]+")
_OURS = re.compile(r"(pr|tag|branch)-|laptop$")


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a run may do something, and in one sentence why not."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRun:
    """One run of a workflow, as GitHub tells it to the job.

    `ref` is the full name (`refs/heads/main`), empty where the event has none. `sha` is what was checked out; for a
    pull request that is its merge commit, and `head_sha` the commit its author pushed. `head_ref` and `base_ref` are
    branch names, for pull requests and merge queues only. `head_repository` is where the code comes from: the
    repository itself, a fork, or the empty text for a fork that is gone. `action` is what happened (`closed`).
    `context_of_head`: the user asked for pull requests to be built without the base merged in.
    """

    server_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    repository: str
    private: bool = True
    event_name: str
    action: str = ""
    ref: str
    sha: str
    head_sha: str
    head_ref: str = ""
    base_ref: str = ""
    default_branch: str = "main"
    run_id: str = ""
    run_attempt: int = 1
    actor: str = ""
    pull_request: int | None = None
    head_repository: str
    context_of_head: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], event: Mapping[str, Any]) -> WorkflowRun:
        """Read the `GITHUB_*` variables and the event's document (`GITHUB_EVENT_PATH`), in which anything may lack."""
        name = environ.get("GITHUB_EVENT_NAME", "")
        ref = environ.get("GITHUB_REF", "")
        repository = environ.get("GITHUB_REPOSITORY", "")
        sha = environ.get("GITHUB_SHA", "")
        queue = _QUEUE.fullmatch(_branch_of(ref))
        return cls(
            server_url=environ.get("GITHUB_SERVER_URL", "").rstrip("/") or "https://github.com",
            api_url=environ.get("GITHUB_API_URL", "").rstrip("/") or "https://api.github.com",
            repository=repository,
            # Unknown counts as private: what it decides is how much of a build is published with the image.
            private=_find(event, "repository", "private") is not False,
            event_name=name,
            action=_text(event, "action"),
            ref=ref,
            sha=sha,
            head_sha=_text(event, "pull_request", "head", "sha") or sha,
            head_ref=environ.get("GITHUB_HEAD_REF", "") or _text(event, "pull_request", "head", "ref"),
            base_ref=environ.get("GITHUB_BASE_REF", "")
            or _text(event, "pull_request", "base", "ref")
            or _branch_of(_text(event, "merge_group", "base_ref"))
            or (queue["base"] if queue else ""),
            default_branch=_text(event, "repository", "default_branch") or "main",
            run_id=environ.get("GITHUB_RUN_ID", ""),
            run_attempt=int(attempt) if (attempt := environ.get("GITHUB_RUN_ATTEMPT", "")).isdecimal() else 1,
            actor=environ.get("GITHUB_ACTOR", ""),
            pull_request=int(queue["number"]) if queue else _pull_request_of(event, repository),
            head_repository=_head_repository_of(event, repository),
            context_of_head=environ.get("DOCKER_DEFAULT_GIT_CONTEXT_PR_HEAD_REF", "").lower() in ("1", "t", "true"),
        )

    @property
    def is_fork(self) -> bool:
        """Whether the code comes from another repository, whose authors this one need not trust."""
        return self.head_repository.lower() != self.repository.lower()

    @property
    def is_merge_queue(self) -> bool:
        """Whether a merge queue tries the commit before it is merged."""
        return self.event_name == "merge_group" or _QUEUE.fullmatch(_branch_of(self.ref)) is not None

    @property
    def tag(self) -> str:
        """The tag's name where the run is for one (a push of it, a release), else empty."""
        return self.ref.removeprefix("refs/tags/") if self.ref.startswith("refs/tags/") else ""

    @property
    def branch(self) -> str:
        """The branch's name where the run is for one, else empty."""
        return _branch_of(self.ref)

    @property
    def run_url(self) -> str:
        """The page of this run, with its attempt; empty outside a workflow."""
        if not self.run_id:
            return ""
        attempt = f"/attempts/{self.run_attempt}" if self.run_attempt > 1 else ""
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}{attempt}"

    @property
    def branches(self) -> Branches:
        """Whose caches the run reads and under whose name it saves, in the manner of GitHub's own cache service.

        A merged pull request's last run is one of the branch it went to.
        """
        default, base = _name_branch(self.default_branch), _name_branch(self.base_ref)
        if self.tag:
            own = f"tag-{self.tag}"
        elif self._is_pull_request_code:
            own = f"pr-{self.pull_request}"
        else:
            own = _name_branch(self.branch) or default
        names = (own, base, default) if self._is_pull_request_code or self.is_merge_queue else (own, default)
        return Branches(own, tuple(dict.fromkeys(name for name in names if name)))

    def may_save(self, cache_mode: str) -> Permission:
        """Whether `save: auto` saves; `cache_mode` is `ACTIONS_CACHE_MODE`, where empty means `write`.

        https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#cache-mode
        """
        if cache_mode in ("read", "none"):
            return Permission(False, f"cache-mode of this job is {cache_mode}")
        if self.is_fork:
            fork = self.head_repository or "a fork that is gone"
            return Permission(False, f"the code comes from {fork}, and what a fork builds is not kept")
        if self.event_name in LOW_TRUST_EVENTS:
            return Permission(False, f"a run started by {self.event_name} may build anybody's code")
        if self.tag:
            return Permission(False, "no other run would read what a tag saves")
        if self.is_merge_queue:
            return Permission(False, "no other run would read what a merge queue saves")
        if not self.ref:
            return Permission(False, "the run is for no branch, so no other run would read what it saves")
        return Permission(True)

    def may_read(self, cache_mode: str) -> Permission:
        """Whether caches are read; `cache_mode` is `ACTIONS_CACHE_MODE`, where empty means `write`."""
        if cache_mode in ("write-only", "none"):
            return Permission(False, f"cache-mode of this job is {cache_mode}")
        return Permission(True)

    @property
    def _is_pull_request_code(self) -> bool:
        is_merged = self.event_name == "pull_request" and bool(self.branch)
        pull_request_event = self.ref.startswith("refs/pull/") or self.event_name.startswith("pull_request")
        return self.pull_request is not None and pull_request_event and not is_merged


def default_context(run: WorkflowRun) -> str:
    """The Git address of what the run is about, which BuildKit fetches where no context is given: the event's commit.

    https://github.com/docker/actions-toolkit/blob/v0.95.0/src/buildx/build.ts#L60-L121
    """
    is_head = run.context_of_head and run.ref.startswith("refs/pull/")
    commit = run.head_sha if is_head else run.sha
    return f"{run.server_url}/{run.repository}.git#{commit or run.ref}"


def _find(document: object, *path: str) -> object:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _text(document: object, *path: str) -> str:
    found = _find(document, *path)
    return found if isinstance(found, str) else ""


def _branch_of(ref: str) -> str:
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""


def _name_branch(branch: str) -> str:
    """A branch that is called `pr-7` or `laptop` must not be taken for what has that name here."""
    return f"branch-{branch}" if _OURS.match(branch) else branch


def _pull_request_of(event: Mapping[str, Any], repository: str) -> int | None:
    number = _find(event, "pull_request", "number")
    if number is None and _find(event, "issue", "pull_request") is not None:
        number = _find(event, "issue", "number")
    if number is None and isinstance(listed := _find(event, "workflow_run", "pull_requests"), list):
        # A fork's run may list pull requests of the fork.
        home = f"/repos/{repository}/pulls/".lower()
        number = next((_find(one, "number") for one in listed if home in _text(one, "url").lower()), None)
    return number if isinstance(number, int) and number > 0 else None


def _head_repository_of(event: Mapping[str, Any], repository: str) -> str:
    """Where the code comes from; a pull request or run without a head repository is that of a fork that was deleted."""
    for origin in (_find(event, "pull_request", "head"), _find(event, "workflow_run")):
        if isinstance(origin, dict):
            key = "repo" if "repo" in origin else "head_repository"
            return _text(origin, key, "full_name") if key in origin else repository
    return repository
