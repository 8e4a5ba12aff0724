"""Which pull request, branches and permissions each event gives a run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycache_action.cache.naming import Branches
from pycache_action.github.event import WorkflowRun, default_context

SHA = "4d1f4c2b7a6e5d3c2b1a0f9e8d7c6b5a4d3c2b1a"
HEAD = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = {"full_name": "org/app", "private": False, "default_branch": "main"}


def make_run(event_name: str, ref: str, event: dict[str, Any] | None = None, **environ: str) -> WorkflowRun:
    variables = {
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_API_URL": "https://api.github.com",
        "GITHUB_REPOSITORY": "org/app",
        "GITHUB_EVENT_NAME": event_name,
        "GITHUB_REF": ref,
        "GITHUB_SHA": SHA,
        "GITHUB_RUN_ID": "42",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_ACTOR": "ada",
        **environ,
    }
    return WorkflowRun.from_environ(variables, {"repository": REPOSITORY, **(event or {})})


def pull_request_event(head: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    head = head if head is not None else {"repo": {"full_name": "org/app"}}
    return {
        "action": "synchronize",
        "pull_request": {
            "number": 12,
            "head": {"ref": "feature", "sha": HEAD, **head},
            "base": {"ref": "release/2.x"},
            **more,
        },
    }


FORK: dict[str, Any] = {"repo": {"full_name": "mallory/app"}}
GONE: dict[str, Any] = {"repo": None}


@pytest.mark.parametrize(
    ("event_name", "ref", "event", "own", "readable"),
    [
        ("push", "refs/heads/main", {}, "main", ("main",)),
        ("push", "refs/heads/feature/x", {}, "feature/x", ("feature/x", "main")),
        ("schedule", "refs/heads/main", {}, "main", ("main",)),
        ("workflow_dispatch", "refs/heads/try", {}, "try", ("try", "main")),
        ("pull_request", "refs/pull/12/merge", pull_request_event(), "pr-12", ("pr-12", "release/2.x", "main")),
        ("pull_request_target", "refs/heads/main", pull_request_event(), "pr-12", ("pr-12", "release/2.x", "main")),
        ("push", "refs/tags/v1.0", {}, "tag-v1.0", ("tag-v1.0", "main")),
        ("release", "refs/tags/v1.0", {}, "tag-v1.0", ("tag-v1.0", "main")),
        ("issue_comment", "refs/heads/main", {"issue": {"number": 3, "pull_request": {}}}, "main", ("main",)),
        ("repository_dispatch", "", {}, "main", ("main",)),
    ],
)
def test_branches__of_each_event(
    event_name: str, ref: str, event: dict[str, Any], own: str, readable: tuple[str, ...]
) -> None:
    assert make_run(event_name, ref, event).branches == Branches(own, readable)


def test_branches__of_a_merge_queue() -> None:
    queue = f"gh-readonly-queue/release/2.x/pr-77-{SHA}"
    event = {"merge_group": {"base_ref": "refs/heads/release/2.x", "head_ref": f"refs/heads/{queue}"}}
    run = make_run("merge_group", f"refs/heads/{queue}", event)
    assert run.branches == Branches(queue, (queue, "release/2.x", "main"))
    assert run.pull_request == 77


def test_branches__a_merged_pull_request_is_on_the_branch_it_went_to() -> None:
    run = make_run("pull_request", "refs/heads/release/2.x", {**pull_request_event(merged=True), "action": "closed"})
    assert run.branches == Branches("release/2.x", ("release/2.x", "main"))
    assert run.pull_request == 12
    assert run.action == "closed"


@pytest.mark.parametrize("name", ["pr-12", "tag-v1.0", "branch-pr-12"])
def test_branches__a_branch_cannot_pass_for_a_pull_request_or_tag(name: str) -> None:
    pushed = make_run("push", f"refs/heads/{name}").branches.own
    assert pushed == f"branch-{name}"
    assert pushed != make_run("pull_request", "refs/pull/12/merge", pull_request_event()).branches.own


def test_from_environ__a_pull_request() -> None:
    run = make_run("pull_request", "refs/pull/12/merge", pull_request_event(), GITHUB_BASE_REF="release/2.x")
    assert (run.pull_request, run.sha, run.head_sha) == (12, SHA, HEAD)
    assert (run.base_ref, run.head_ref) == ("release/2.x", "feature")
    assert not run.is_fork
    assert not run.private


def test_from_environ__nothing_known() -> None:
    run = WorkflowRun.from_environ({}, {})
    assert run.private
    assert run.pull_request is None
    assert run.run_url == ""
    assert not run.may_save("").allowed


@pytest.mark.parametrize(
    "event",
    [
        {"pull_request": "x", "repository": []},
        {"pull_request": {"number": "12", "head": None}, "repository": None},
        {"pull_request": {"number": -1, "head": {"repo": 3}}},
        {"workflow_run": {"pull_requests": [None, {"url": 5}], "head_repository": None}},
        {"issue": {"pull_request": {}, "number": None}},
    ],
)
def test_from_environ__an_event_of_another_shape(event: dict[str, Any]) -> None:
    run = WorkflowRun.from_environ({"GITHUB_REPOSITORY": "org/app", "GITHUB_REF": "refs/heads/main"}, event)
    assert run.pull_request is None


@pytest.mark.parametrize(("attempt", "ending"), [("1", "/runs/42"), ("3", "/runs/42/attempts/3"), ("x", "/runs/42")])
def test_run_url__names_the_attempt(attempt: str, ending: str) -> None:
    run = make_run("push", "refs/heads/main", GITHUB_RUN_ATTEMPT=attempt)
    assert run.run_url == f"https://github.com/org/app/actions{ending}"


@pytest.mark.parametrize("mode", ["", "write", "write-only"])
def test_may_save__a_push(mode: str) -> None:
    assert make_run("push", "refs/heads/main").may_save(mode).allowed


@pytest.mark.parametrize("mode", ["read", "none"])
def test_may_save__cache_mode_forbids(mode: str) -> None:
    answer = make_run("push", "refs/heads/main").may_save(mode)
    assert not answer.allowed
    assert f"is {mode}" in answer.reason


@pytest.mark.parametrize(
    ("event_name", "ref", "event", "word"),
    [
        ("pull_request", "refs/pull/12/merge", pull_request_event(FORK), "mallory/app"),
        ("pull_request", "refs/pull/12/merge", pull_request_event(GONE), "gone"),
        ("pull_request_target", "refs/heads/main", pull_request_event(), "pull_request_target"),
        ("issue_comment", "refs/heads/main", {"issue": {"number": 3, "pull_request": {}}}, "issue_comment"),
        ("workflow_run", "refs/heads/main", {"workflow_run": {"head_repository": {"full_name": "m/app"}}}, "m/app"),
        ("push", "refs/tags/v1.0", {}, "tag"),
        ("merge_group", f"refs/heads/gh-readonly-queue/main/pr-12-{SHA}", {}, "merge queue"),
        ("repository_dispatch", "", {}, "no branch"),
    ],
)
def test_may_save__not_where_nobody_may_trust_or_read_it(
    event_name: str, ref: str, event: dict[str, Any], word: str
) -> None:
    answer = make_run(event_name, ref, event).may_save("write")
    assert not answer.allowed
    assert word in answer.reason


def test_may_save__a_pull_request_of_the_repository_itself() -> None:
    head = {"repo": {"full_name": "Org/App"}}
    assert make_run("pull_request", "refs/pull/12/merge", pull_request_event(head)).may_save("").allowed


@pytest.mark.parametrize(("mode", "allowed"), [("", True), ("read", True), ("write-only", False), ("none", False)])
def test_may_read__by_cache_mode(mode: str, allowed: bool) -> None:
    assert make_run("push", "refs/heads/main").may_read(mode).allowed is allowed


def test_pull_request__of_a_workflow_run_is_the_repositorys_own() -> None:
    listed = [
        {"number": 9, "url": "https://api.github.com/repos/mallory/app/pulls/9"},
        {"number": 12, "url": "https://api.github.com/repos/org/app/pulls/12"},
    ]
    event = {"workflow_run": {"pull_requests": listed, "head_repository": {"full_name": "org/app"}}}
    assert make_run("workflow_run", "refs/heads/main", event).pull_request == 12


def test_default_context__is_the_commit_of_the_event() -> None:
    assert default_context(make_run("push", "refs/heads/main")) == f"https://github.com/org/app.git#{SHA}"
    run = make_run("pull_request", "refs/pull/12/merge", pull_request_event())
    assert default_context(run) == f"https://github.com/org/app.git#{SHA}"


def test_default_context__of_the_head_where_asked_for() -> None:
    run = make_run(
        "pull_request", "refs/pull/12/merge", pull_request_event(), DOCKER_DEFAULT_GIT_CONTEXT_PR_HEAD_REF="true"
    )
    assert default_context(run) == f"https://github.com/org/app.git#{HEAD}"
    pushed = make_run("push", "refs/heads/main", DOCKER_DEFAULT_GIT_CONTEXT_PR_HEAD_REF="true")
    assert default_context(pushed).endswith(SHA)


def test_default_context__on_a_server_of_ones_own() -> None:
    run = make_run("push", "refs/heads/main", GITHUB_SERVER_URL="https://git.example.com/")
    assert default_context(run) == f"https://git.example.com/org/app.git#{SHA}"


@given(
    ref=st.one_of(st.text(), st.text().map("refs/heads/{}".format), st.text().map("refs/tags/{}".format)),
    name=st.sampled_from(["push", "pull_request", "merge_group", "release", "odd"]),
)
def test_from_environ__never_raises(ref: str, name: str) -> None:
    run = make_run(name, ref)
    assert run.branches.own
    assert run.branches.own in run.branches.readable
    assert run.may_save("").allowed or run.may_save("").reason
