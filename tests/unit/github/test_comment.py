"""One comment on the pull request, whatever else is there and whatever GitHub says."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import reports
from tests.support.github_api import (
    BAD_GATEWAY,
    BAD_GATEWAY_AFTER_ALL,
    FORBIDDEN,
    GONE,
    LOCKED,
    NOT_FOUND,
    Fault,
    make_slow,
    make_too_many_requests,
)
from tests.support.github_api import GitHubApi as StandIn
from tests.support.http_server import Answer, HttpServer

from pycache_action.github.api import GitHubApi
from pycache_action.github.comment import (
    NotAllowed,
    NotPosted,
    NotWanted,
    Posted,
    put_comment,
    render_marker,
    tell_commented,
    write_comment_file,
)
from pycache_action.report import Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pycache_action.github.comment import Commented
    from pycache_action.github.event import WorkflowRun
    from pycache_action.report import Report

MARKER = render_marker(reports.hit().scope)
MISS = reports.dependencies_changed()
pytestmark = pytest.mark.loopback
LIST = r"^GET .*/issues/7/comments"
CREATE = r"^POST .*/issues/7/comments"
EDIT = r"^PATCH "


@pytest.fixture
def github() -> Iterator[StandIn]:
    with StandIn("acme/shop") as stand_in:
        stand_in.add_pull(7)
        yield stand_in


def make_run(github: StandIn, **changes: Any) -> WorkflowRun:
    return dataclasses.replace(reports.PULL_REQUEST, api_url=github.url, pull_request=7, **changes)


def put(
    github: StandIn,
    report: Report = MISS,
    body: str = "first",
    *,
    mode: str = "auto",
    token: str | None = None,
    budget: float = 20.0,
    **run: Any,
) -> Commented:
    a_run = make_run(github, **run)
    api = GitHubApi(a_run, github.token if token is None else token, budget=budget)
    return put_comment(api, a_run, 7, report, body, mode=mode)


def bodies(github: StandIn) -> list[str]:
    return [comment.body for comment in github.comments(7) if comment.author != "reviewer"]


def test_put_comment__created_then_edited_then_left_alone(github: StandIn) -> None:
    how = [put(github, body=body) for body in ("first", "second", "second\n")]
    assert [each.how for each in how if isinstance(each, Posted)] == ["created", "edited", "unchanged"]
    assert bodies(github) == [f"{MARKER}\nsecond"]
    assert sum(request.method == "PATCH" for request in github.requests) == 1


def test_put_comment__tells_where_it_is(github: StandIn) -> None:
    answer = put(github)
    assert isinstance(answer, Posted)
    assert answer.url.startswith("http")
    assert tell_commented(answer) == f"Comment created: {answer.url}"


def test_put_comment__is_found_behind_two_pages_of_others(github: StandIn) -> None:
    github.add_comments(7, 70)
    put(github)
    github.add_comments(7, 70)
    put(github, body="second")
    assert bodies(github) == [f"{MARKER}\nsecond"]


def test_put_comment__of_others_are_never_touched(github: StandIn) -> None:
    github.add_comments(7, 1, author="mallory", body=f"{MARKER}\nfake")
    github.add_comments(7, 1, author="other-app[bot]", body=f"{MARKER}\nfake")
    github.add_comments(7, 1, author="", body=f"{MARKER}\nfake")
    put(github)
    put(github, body="second")
    assert bodies(github) == [f"{MARKER}\nfake"] * 3 + [f"{MARKER}\nsecond"]


def test_put_comment__one_of_the_same_author_with_the_marker_further_down_is_another(github: StandIn) -> None:
    github.add_comments(7, 1, author="github-actions[bot]", body=f"quoted:\n{MARKER}")
    put(github)
    assert len(bodies(github)) == 2


def test_put_comment__with_the_token_of_a_person() -> None:
    with StandIn("acme/shop", token="ghp_1", user="ada") as github:
        github.add_pull(7)
        github.add_comments(7, 1, author="github-actions[bot]", body=f"{MARKER}\nnot ada's")
        put(github)
        put(github, body="second")
        assert [(each.author, each.body) for each in github.comments(7)] == [
            ("github-actions[bot]", f"{MARKER}\nnot ada's"),
            ("ada", f"{MARKER}\nsecond"),
        ]


def test_put_comment__where_graphql_does_not_tell_whose_token_it_is(github: StandIn) -> None:
    put(github)
    github.fail(r"^POST /graphql", NOT_FOUND, times=9)
    put(github, body="second")
    assert bodies(github) == [f"{MARKER}\nsecond"]


def test_put_comment__two_scopes_are_two_comments(github: StandIn) -> None:
    put(github)
    put(github, dataclasses.replace(MISS, scope="worker"))
    assert len(bodies(github)) == 2


def test_put_comment__says_when_it_is_cached_again(github: StandIn) -> None:
    put(github)
    answer = put(github, reports.hit(), "cached")
    assert isinstance(answer, Posted)
    assert bodies(github) == [f"{MARKER}\ncached"]


@pytest.mark.parametrize(
    ("report", "mode", "is_posted"),
    [
        (MISS, "auto", True),
        (reports.two_platforms(), "auto", True),
        (reports.hit(), "auto", False),
        (reports.failed(), "auto", False),
        (MISS, "never", False),
        (reports.hit(), "always", True),
        (reports.failed(), "always", True),
    ],
)
def test_put_comment__only_where_it_is_wanted(github: StandIn, report: Report, mode: str, is_posted: bool) -> None:
    answer = put(github, report, mode=mode)
    assert isinstance(answer, Posted if is_posted else NotWanted)
    assert bool(bodies(github)) is is_posted


def test_put_comment__a_failed_build_leaves_what_was_said(github: StandIn) -> None:
    put(github)
    put(github, reports.failed(), "failed")
    assert bodies(github) == [f"{MARKER}\nfirst"]


def test_put_comment__a_deleted_one_is_made_anew(github: StandIn) -> None:
    put(github)
    github.repository.comments.clear()
    assert isinstance(put(github, body="second"), Posted)
    assert bodies(github) == [f"{MARKER}\nsecond"]


def test_put_comment__deleted_between_two_requests(github: StandIn) -> None:
    put(github)
    github.fail(EDIT, NOT_FOUND)
    assert isinstance(put(github, body="second"), NotPosted | Posted)


@pytest.mark.parametrize("where", [LIST, CREATE])
def test_put_comment__a_502_is_tried_again(github: StandIn, where: str) -> None:
    github.fail(where, BAD_GATEWAY)
    assert isinstance(put(github), Posted)
    assert bodies(github) == [f"{MARKER}\nfirst"]


def test_put_comment__a_502_after_all_makes_no_second_comment(github: StandIn) -> None:
    github.fail(CREATE, BAD_GATEWAY_AFTER_ALL)
    answer = put(github)
    assert isinstance(answer, Posted)
    assert bodies(github) == [f"{MARKER}\nfirst"]


def test_put_comment__a_502_for_good(github: StandIn) -> None:
    github.fail(LIST, BAD_GATEWAY, times=99)
    answer = put(github)
    assert isinstance(answer, NotPosted)
    assert "502" in answer.reason


def test_put_comment__not_allowed_in_the_own_repository_names_the_permission(github: StandIn) -> None:
    github.fail(CREATE, FORBIDDEN, times=9)
    answer = put(github)
    assert isinstance(answer, NotAllowed)
    line = tell_commented(answer)
    assert "permissions: pull-requests: write" in line
    assert "\n" not in line


def test_put_comment__not_allowed_on_a_fork() -> None:
    with StandIn("acme/shop", may_write=False) as github:
        github.add_pull(7, head_repository="mallory/shop")
        answer = put(github, head_repository="mallory/shop")
    assert isinstance(answer, NotAllowed)
    assert "fork" in answer.reason
    assert "comment-file" in answer.reason


def test_put_comment__with_a_token_that_is_not_accepted(github: StandIn) -> None:
    assert isinstance(put(github, token="wrong"), NotAllowed)


def test_put_comment__without_a_token_asks_nobody(github: StandIn) -> None:
    assert isinstance(put(github, token=""), NotAllowed)
    assert github.requests == []


def test_put_comment__locked_conversation() -> None:
    with StandIn("acme/shop") as github:
        github.add_pull(7, locked=True)
        answer = put(github)
    assert answer == NotPosted("the conversation is locked")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (LOCKED, "locked"),
        (GONE, "gone"),
        (NOT_FOUND, "no such pull request"),
        (make_too_many_requests(3600), "rate limit"),
        (
            Fault(status=403, message="You have exceeded a secondary rate limit.", headers={"Retry-After": "60"}),
            "rate limit",
        ),
        (
            Fault(status=403, message="API rate limit exceeded", headers={"X-RateLimit-Remaining": "0"}),
            "rate limit",
        ),
        (Fault(status=422, message="Validation Failed"), "422"),
    ],
)
def test_put_comment__what_github_refuses_is_one_line(github: StandIn, fault: Fault, words: str) -> None:
    github.fail(CREATE, fault, times=99)
    started = time.monotonic()
    answer = put(github)
    assert isinstance(answer, NotPosted)
    assert words in answer.reason
    assert "\n" not in tell_commented(answer)
    assert time.monotonic() - started < 5


def test_put_comment__waits_for_a_limit_that_is_over_soon(github: StandIn) -> None:
    github.fail(CREATE, make_too_many_requests(1))
    assert isinstance(put(github), Posted)


def test_put_comment__ends_within_its_budget(github: StandIn) -> None:
    github.fail(LIST, make_slow(30), times=9)
    started = time.monotonic()
    answer = put(github, budget=1.0)
    assert time.monotonic() - started < 2
    assert answer == NotPosted("GitHub did not answer in time")


def test_put_comment__nobody_listens() -> None:
    with StandIn("acme/shop") as github:
        a_run = make_run(github)
        token = github.token
    answer = put_comment(GitHubApi(a_run, token, budget=4), a_run, 7, MISS, "x", mode="auto")
    assert isinstance(answer, NotPosted)
    assert "cannot be reached" in answer.reason


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b"[1, 2]", b'{"a": 1}', b"", b"[{}]", b"[null]"])
def test_put_comment__an_answer_that_is_not_githubs(body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    with HttpServer(lambda _: Answer(headers=headers, body=body)) as server:
        a_run = dataclasses.replace(reports.PULL_REQUEST, api_url=server.url, pull_request=7)
        answer = put_comment(GitHubApi(a_run, "t", budget=4), a_run, 7, MISS, "x", mode="auto")
    assert isinstance(answer, NotPosted | Posted)


def test_put_comment__is_never_longer_than_github_takes(github: StandIn) -> None:
    assert isinstance(put(github, body="x" * 100_000), Posted)


@pytest.mark.parametrize("scope", ["a-->b", "a b", "a/b@c", "--><script>"])
def test_render_marker__cannot_be_closed_by_a_scope(scope: str) -> None:
    marker = render_marker(scope)
    assert marker.count("-->") == 1
    assert marker.count("<") == 1
    assert render_marker(f"{scope}x") != marker


def test_write_comment_file__holds_what_would_have_been_posted(tmp_path: Path) -> None:
    path = write_comment_file(tmp_path, MISS, "body \ud800")
    assert path.read_text() == f"{MARKER}\nbody ?"


def test_tell_commented__of_nothing_to_tell(github: StandIn) -> None:
    assert tell_commented(put(github, reports.hit())) == "No comment: nothing was installed."
    assert reports.hit().result is Result.HIT
