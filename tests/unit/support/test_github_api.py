from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import github
import pytest
import requests
from github import Auth
from tests.support.github_api import (
    BAD_GATEWAY,
    BAD_GATEWAY_AFTER_ALL,
    FORBIDDEN,
    GONE,
    LOCKED,
    NOT_FOUND,
    Fault,
    GitHubApi,
    make_slow,
    make_too_many_requests,
)
from tests.support.github_openapi import ContractError, check_answer, read_description
from tests.support.github_routes import ROUTES
from tests.support.github_state import BOT
from tests.support.http_server import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from github.PullRequest import PullRequest


@pytest.fixture
def api() -> Iterator[GitHubApi]:
    with GitHubApi() as api:
        yield api


def connect(api: GitHubApi, **options: Any) -> github.Github:
    return github.Github(
        base_url=api.url,
        auth=Auth.Token(api.token),
        seconds_between_requests=None,
        seconds_between_writes=None,
        **options,
    )


def find_pull(api: GitHubApi, number: int = 7, **options: Any) -> PullRequest:
    return connect(api, **options).get_repo("org/project").get_pull(number)


def call(api: GitHubApi, method: str, path: str, **options: Any) -> requests.Response:
    headers = {"Authorization": f"token {api.token}"}
    return requests.request(method, f"{api.url}/repos/org/project{path}", headers=headers, timeout=5, **options)


def test_pygithub__comment_is_created_found_edited_and_deleted(api: GitHubApi) -> None:
    api.add_pull(7)
    pull = find_pull(api)
    comment = pull.create_issue_comment("first")
    assert (comment.body, comment.user.login, comment.user.type) == ("first", BOT, "Bot")
    comment.edit("second")
    assert pull.get_issue_comment(comment.id).body == "second"
    assert comment.updated_at > comment.created_at
    assert [found.body for found in api.comments(7)] == ["second"]
    comment.delete()
    assert api.comments(7) == []


def test_pygithub__comments_over_all_pages(api: GitHubApi) -> None:
    api.add_pull(7)
    api.add_comments(7, 70)
    find_pull(api).create_issue_comment("ours")
    bodies = [comment.body for comment in find_pull(api).get_issue_comments()]
    assert len(bodies) == 71
    assert bodies[-1] == "ours"
    assert sum("/comments" in request.target and request.method == "GET" for request in api.requests) == 3


def test_pygithub__comments_of_other_pull_requests_are_not_there(api: GitHubApi) -> None:
    api.add_pull(7)
    api.add_pull(8)
    api.add_comments(8, 3)
    assert list(find_pull(api).get_issue_comments()) == []
    assert find_pull(api, 8).comments == 3


def test_pygithub__pulls_by_head(api: GitHubApi) -> None:
    api.add_pull(1, head_branch="topic", state="closed")
    api.add_pull(2, head_branch="topic")
    api.add_pull(3, head_branch="topic", head_repository="someone/project")
    api.add_pull(4, head_branch="other", head_repository=None)
    repository = connect(api).get_repo("org/project")
    assert [pull.number for pull in repository.get_pulls(head="org:topic")] == [2]
    assert [pull.number for pull in repository.get_pulls(state="all")] == [4, 3, 2, 1]
    fork = next(iter(repository.get_pulls(head="someone:topic")))
    assert (fork.head.repo.full_name, fork.base.repo.full_name) == ("someone/project", "org/project")
    assert repository.get_pull(4).head.repo is None
    assert len(list(repository.get_pulls(head="topic"))) == 3  # as GitHub does


def test_pygithub__changed_files(api: GitHubApi) -> None:
    api.add_pull(7, files=tuple(f"src/a b/{number}.txt" for number in range(31)))
    assert [file.filename for file in find_pull(api).get_files()] == list(api.repository.pulls[7].files)


def test_pygithub__comment_of_an_account_that_is_gone(api: GitHubApi) -> None:
    api.add_pull(7)
    api.add_comments(7, author="")
    assert call(api, "GET", "/issues/7/comments").json()[0]["user"] is None


def test_pygithub__pulls_of_a_commit(api: GitHubApi) -> None:
    api.add_pull(7, head_sha="a" * 40)
    commit = requests.get(
        f"{api.url}/repos/org/project/commits/{'a' * 40}/pulls",
        headers={"Authorization": f"Bearer {api.token}"},
        timeout=5,
    )
    assert [pull["number"] for pull in commit.json()] == [7]
    assert "mergeable" not in commit.json()[0]  # only the pull request's own page has it
    assert call(api, "GET", f"/commits/{'b' * 40}/pulls").json() == []


def test_pygithub__whose_token(api: GitHubApi) -> None:
    with pytest.raises(github.GithubException, match="Resource not accessible by integration") as caught:
        _ = connect(api).get_user().login
    assert caught.value.status == 403
    answer = requests.post(
        api.graphql_url,
        json={"query": "query { viewer { login } }"},
        headers={"Authorization": f"bearer {api.token}"},
        timeout=5,
    )
    assert answer.json() == {"data": {"viewer": {"login": BOT}}}
    with GitHubApi(user="dev") as own:
        assert connect(own).get_user().login == "dev"


def test_pygithub__wrong_token(api: GitHubApi) -> None:
    api.token = "another"
    with pytest.raises(github.BadCredentialsException):
        github.Github(base_url=api.url, auth=Auth.Token("ghs_old")).get_repo("org/project")


def test_pygithub__fork_may_read_and_not_write() -> None:
    with GitHubApi(may_write=False) as api:
        api.add_pull(7)
        with pytest.raises(github.GithubException, match="Resource not accessible by integration"):
            find_pull(api).create_issue_comment("body")
        assert api.comments(7) == []


def test_pygithub__locked_conversation(api: GitHubApi) -> None:
    api.add_pull(7, locked=True)
    with pytest.raises(github.GithubException, match="Unable to create comment because issue is locked"):
        find_pull(api).create_issue_comment("body")


@pytest.mark.parametrize("body", ["", " \n", "x" * 65_537])
def test_comment__body_that_github_refuses(api: GitHubApi, body: str) -> None:
    api.add_pull(7)
    answer = call(api, "POST", "/issues/7/comments", json={"body": body})
    assert (answer.status_code, answer.json()["message"]) == (422, "Validation Failed")


@pytest.mark.parametrize("fault", [FORBIDDEN, NOT_FOUND, GONE, LOCKED])
def test_fail__as_often_as_told(api: GitHubApi, fault: Fault) -> None:
    api.add_pull(7)
    pull = find_pull(api)
    api.fail("^POST .*/comments$", fault, times=2)
    for _ in range(2):
        with pytest.raises(github.GithubException) as caught:
            pull.create_issue_comment("body")
        assert caught.value.status == fault.status
    assert pull.create_issue_comment("body").body == "body"


def test_fail__bad_gateway_once_is_retried_by_pygithub(api: GitHubApi) -> None:
    api.add_pull(7)
    api.fail("/pulls/7$", BAD_GATEWAY)
    assert find_pull(api, retry=github.GithubRetry(total=1, backoff_factor=0)).number == 7


def test_fail__bad_gateway_hides_what_was_done(api: GitHubApi) -> None:
    api.add_pull(7)
    api.fail("^POST ", BAD_GATEWAY_AFTER_ALL)
    assert call(api, "POST", "/issues/7/comments", json={"body": "body"}).status_code == 502
    assert [comment.body for comment in api.comments(7)] == ["body"]


def test_fail__too_many_requests(api: GitHubApi) -> None:
    api.fail("", make_too_many_requests(retry_after=3))
    answer = call(api, "GET", "")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    assert "secondary rate limit" in answer.json()["message"]


def test_fail__slow_does_not_hold_up_the_end() -> None:
    with GitHubApi() as api:
        api.fail("", make_slow(60))
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{api.url}/user", timeout=0.2)
        began = time.monotonic()
    assert time.monotonic() - began < 1


def test_pages__links_keep_the_query(api: GitHubApi) -> None:
    api.add_pull(7)
    api.add_comments(7, 5)
    first = call(api, "GET", "/issues/7/comments?per_page=2")
    assert first.links["last"]["url"] == f"{api.url}/repos/org/project/issues/7/comments?per_page=2&page=3"
    second = requests.get(first.links["next"]["url"], headers={"Authorization": f"token {api.token}"}, timeout=5)
    assert set(second.links) == {"prev", "next", "last", "first"}
    assert call(api, "GET", "/issues/7/comments?per_page=5").links == {}
    assert call(api, "GET", "/issues/7/comments?page=9").json() == []


def test_comments__since(api: GitHubApi) -> None:
    api.add_pull(7)
    api.add_comments(7, 2)
    last = api.comments(7)[-1].updated.isoformat().replace("+00:00", "Z")
    assert len(call(api, "GET", "/issues/7/comments", params={"since": last}).json()) == 1


@pytest.mark.parametrize("path", ["/issues/8/comments", "/issues/comments/99", "/pulls/8", "/issues/8"])
def test_read__absent(api: GitHubApi, path: str) -> None:
    assert call(api, "GET", path).status_code == 404


def test_read__other_repository(api: GitHubApi) -> None:
    headers = {"Authorization": f"token {api.token}"}
    assert requests.get(f"{api.url}/repos/org/other", headers=headers, timeout=5).status_code == 404


def test_issue__of_a_pull_request(api: GitHubApi) -> None:
    api.add_pull(7)
    issue = connect(api).get_repo("org/project").get_issue(7)
    assert (issue.number, issue.pull_request is not None) == (7, True)


def test_caches__listed_by_prefix_and_ref_and_deleted(api: GitHubApi) -> None:
    api.add_cache("index-a#1", size=10)
    large = api.add_cache("index-a#2", size=30)
    api.add_cache("index-a#1", ref="refs/pull/7/merge", size=20)
    api.add_cache("other", size=5)
    listed = call(api, "GET", "/actions/caches?key=index-&sort=size_in_bytes&per_page=2")
    assert [cache["size_in_bytes"] for cache in listed.json()["actions_caches"]] == [30, 20]
    assert listed.json()["total_count"] == 3
    assert "next" in listed.links
    assert call(api, "GET", "/actions/caches?ref=refs/pull/7/merge").json()["total_count"] == 1
    assert call(api, "GET", "/actions/cache/usage").json()["active_caches_size_in_bytes"] == 65
    assert call(api, "DELETE", f"/actions/caches/{large.id}").status_code == 204
    assert call(api, "DELETE", f"/actions/caches/{large.id}").status_code == 404
    assert call(api, "DELETE", "/actions/caches?key=index-").status_code == 404
    assert call(api, "DELETE", "/actions/caches?key=index-a%231").json()["total_count"] == 2
    assert [cache.key for cache in api.repository.caches.values()] == ["other"]


@pytest.mark.parametrize(
    ("method", "path", "options", "message"),
    [
        ("POST", "/issues/7/comments", {"json": {"text": "x"}}, "'body' is a required property"),
        ("POST", "/issues/7/comments", {"json": {"body": 1}}, "not of type 'string'"),
        ("POST", "/issues/7/comments", {"data": b"{}"}, "mimetype"),
        ("GET", "/issues/7/comments?per_page=many", {}, "per_page"),
        ("GET", "/issues/7/comments?pre_page=100", {}, "pre_page"),
        ("GET", "/issues/seven/comments", {}, "issue_number"),
        ("GET", "/pulls?state=draft", {}, "state"),
        ("DELETE", "/actions/caches", {}, "key"),
        ("GET", "/releases", {}, "not served"),
        ("PUT", "/issues/comments/1", {}, "not served"),
    ],
)
def test_contract__request_that_does_not_fit(method: str, path: str, options: dict[str, Any], message: str) -> None:
    def use() -> None:
        with GitHubApi() as api:
            api.add_pull(7)
            assert call(api, method, path, **options).status_code == 400

    with pytest.raises(ExceptionGroup) as caught:
        use()
    assert caught.group_contains(ContractError, match=message)


def test_contract__graphql_query_that_is_not_served() -> None:
    with pytest.raises(ExceptionGroup) as caught, GitHubApi() as api:
        requests.post(api.graphql_url, json={"query": "{ viewer { email } }"}, timeout=5)
    assert caught.group_contains(ContractError, match="email")


def test_contract__answer_that_does_not_fit(api: GitHubApi) -> None:
    api.add_pull(7)
    call(api, "GET", "/issues/7/comments")
    request, headers = api.requests[-1], {"Content-Type": "application/json"}
    with pytest.raises(ContractError, match=r"body: .* is not of type 'array'"):
        check_answer(request, Answer(headers=headers, body=b"{}"))
    with pytest.raises(ContractError, match="0: 'user' is a required property"):
        check_answer(request, Answer(headers=headers, body=b'[{"id": 1}]'))
    with pytest.raises(ContractError):
        check_answer(request, Answer(status=202, headers=headers, body=b"[]"))
    with pytest.raises(ContractError):
        check_answer(request, Answer(status=418, headers=headers, body=b"{}"))
    check_answer(request, Answer(status=418, headers=headers, body=b'{"message": "teapot"}'))


def test_routes__are_the_operations_of_the_trimmed_description() -> None:
    described = {path: {method.upper() for method in methods} for path, methods in read_description()["paths"].items()}
    assert {template: set(methods) for template, methods in ROUTES.items()} == described
