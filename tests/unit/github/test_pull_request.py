"""Each run knows its pull request, or says why there is none."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import reports
from tests.support.github_api import BAD_GATEWAY, FORBIDDEN
from tests.support.github_api import GitHubApi as StandIn

from pycache_action.github.api import GitHubApi
from pycache_action.github.pull_request import NoPullRequest, fetch_changed_files, find_pull_request

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.loopback


@pytest.fixture
def github() -> Iterator[StandIn]:
    with StandIn("acme/shop") as stand_in:
        yield stand_in


def find(github: StandIn, **changes: Any) -> int | NoPullRequest:
    run = dataclasses.replace(reports.PULL_REQUEST, api_url=github.url, **changes)
    return find_pull_request(GitHubApi(run, github.token), run)


def pushed(branch: str) -> dict[str, Any]:
    return {"event_name": "push", "ref": f"refs/heads/{branch}", "pull_request": None}


def test_find_pull_request__of_the_event_asks_nobody(github: StandIn) -> None:
    assert find(github) == 128
    assert github.requests == []


def test_find_pull_request__of_a_push_with_an_open_one(github: StandIn) -> None:
    github.add_pull(3, head_branch="topic", state="closed")
    github.add_pull(4, head_branch="other")
    github.add_pull(5, head_branch="topic")
    github.add_pull(6, head_branch="topic", head_repository="mallory/shop")
    assert find(github, **pushed("topic")) == 5
    assert len(github.requests) == 1


def test_find_pull_request__of_a_dispatched_run(github: StandIn) -> None:
    github.add_pull(5, head_branch="topic")
    assert find(github, **{**pushed("topic"), "event_name": "workflow_dispatch"}) == 5


@pytest.mark.parametrize("branch", ["topic", "odd:name#&?", "ünï"])
def test_find_pull_request__of_a_push_without_one(github: StandIn, branch: str) -> None:
    github.add_pull(4, head_branch="other")
    answer = find(github, **pushed(branch))
    assert isinstance(answer, NoPullRequest)
    assert "no open pull request" in answer.reason


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        (pushed("main"), "default branch"),
        ({**pushed("x"), "ref": "refs/tags/v1"}, "tag v1"),
        ({**pushed("x"), "event_name": "schedule"}, "schedule"),
        ({**pushed("x"), "ref": ""}, "push"),
    ],
)
def test_find_pull_request__where_there_can_be_none_asks_nobody(
    github: StandIn, changes: dict[str, Any], word: str
) -> None:
    answer = find(github, **changes)
    assert isinstance(answer, NoPullRequest)
    assert word in answer.reason
    assert github.requests == []


def test_find_pull_request__where_github_does_not_say(github: StandIn) -> None:
    github.fail("/pulls", FORBIDDEN, times=9)
    answer = find(github, **pushed("topic"))
    assert isinstance(answer, NoPullRequest)
    assert "Resource not accessible" in answer.reason


def fetch(github: StandIn) -> frozenset[str]:
    run = dataclasses.replace(reports.PULL_REQUEST, api_url=github.url)
    return fetch_changed_files(GitHubApi(run, github.token), 7)


def test_fetch_changed_files__over_pages(github: StandIn) -> None:
    files = tuple(f"src/{number}.py" for number in range(150))
    github.add_pull(7, files=files)
    github.fail("/files", BAD_GATEWAY)
    assert fetch(github) == frozenset(files)


def test_fetch_changed_files__stops_at_a_bound(github: StandIn) -> None:
    github.add_pull(7, files=tuple(f"src/{number}.py" for number in range(1000)))
    assert len(fetch(github)) == 300


def test_fetch_changed_files__where_github_does_not_say(github: StandIn) -> None:
    assert fetch(github) == frozenset()
