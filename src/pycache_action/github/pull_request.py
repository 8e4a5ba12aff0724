"""The pull request a run belongs to, and what it changes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from pycache_action.github.api import Refused
from pycache_action.github.event import EVENTS_ON_A_BRANCH

if TYPE_CHECKING:
    from github.Repository import Repository

    from pycache_action.github.api import GitHubApi
    from pycache_action.github.event import WorkflowRun

CHANGED_FILES = 300


@dataclass(frozen=True, slots=True)
class NoPullRequest:
    """The run belongs to none, and why, in one sentence."""

    reason: str


def find_pull_request(api: GitHubApi, run: WorkflowRun) -> int | NoPullRequest:
    """The number of the run's pull request. Asks GitHub only for runs on a branch that may have an open one."""
    if run.pull_request is not None:
        return run.pull_request
    if run.tag:
        return NoPullRequest(f"the run is for the tag {run.tag}")
    if run.event_name not in EVENTS_ON_A_BRANCH or not run.branch:
        return NoPullRequest(f"the event {run.event_name} belongs to no pull request")
    if run.branch == run.default_branch:
        return NoPullRequest(f"the run is for {run.branch}, the default branch")

    def ask(repository: Repository) -> int | None:
        owner = run.repository.partition("/")[0]
        found = repository.get_pulls(state="open", head=f"{owner}:{run.branch}")
        # An empty or unknown `head` lists every open pull request.
        return next((each.number for each in islice(found, 100) if each.head.ref == run.branch), None)

    match api.ask(ask):
        case int(number):
            return number
        case Refused(reason=reason):
            return NoPullRequest(f"GitHub could not say whether {run.branch} has one: {reason}")
        case None:
            return NoPullRequest(f"{run.branch} has no open pull request")


def fetch_changed_files(api: GitHubApi, pull_request: int) -> frozenset[str]:
    """The paths the pull request changes, the first 300; none where GitHub does not say."""

    def ask(repository: Repository) -> frozenset[str]:
        files = repository.get_pull(pull_request).get_files()
        return frozenset(each.filename for each in islice(files, CHANGED_FILES))

    answer = api.ask(ask)
    return frozenset() if isinstance(answer, Refused) else answer
