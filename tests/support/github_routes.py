"""What each operation of the stand-in for GitHub's API does with the repository.

Documented at https://docs.github.com/rest; where a text of GitHub's is given, its API was seen to say it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.parse import urlencode

from tests.support.http_server import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.support.github_json import Json, Renderer
    from tests.support.github_state import ActionsCache, Comment, PullRequest, Repository
    from tests.support.http_server import Request

T = TypeVar("T")
_LONGEST_BODY = 65_536  # characters


class ApiError(Exception):
    """An answer that is an error, with GitHub's words."""

    def __init__(
        self, status: int, message: str, *, headers: Mapping[str, str] | None = None, errors: list[Json] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body: Json = {
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
            "status": str(status),
        }
        if errors:
            self.body["errors"] = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that fits its operation, and what is needed to answer it."""

    request: Request
    parameters: dict[str, str]
    repository: Repository
    show: Renderer
    login: str

    def number(self, name: str) -> int:
        return int(self.parameters[name])

    def require_repository(self) -> None:
        if f"{self.parameters['owner']}/{self.parameters['repo']}".lower() != self.repository.name.lower():
            raise ApiError(404, "Not Found")

    def find_pull(self, name: str) -> PullRequest:
        self.require_repository()
        return _or_404(self.repository.pulls.get(self.number(name)))

    def find_comment(self) -> Comment:
        self.require_repository()
        return _or_404(self.repository.comments.get(self.number("comment_id")))

    def read_comment_body(self) -> str:
        body: str = json.loads(self.request.body)["body"]
        if not body.strip():
            raise _invalid("Body cannot be blank")
        if len(body) > _LONGEST_BODY:
            raise _invalid(f"Body is too long (maximum is {_LONGEST_BODY} characters)")
        return body

    def page(self, items: Sequence[T]) -> tuple[list[T], dict[str, str]]:
        """The page that was asked for, and the Link header that leads to the others."""
        query = self.request.query
        size, number = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
        last = -(-len(items) // size)
        pages = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        led_to = [
            rel
            for rel in pages
            if (rel in ("next", "last") and number < last) or (rel in ("prev", "first") and number > 1)
        ]
        url = f"http://{self.request.headers['Host']}{self.request.target.partition('?')[0]}"
        links = [f'<{url}?{urlencode({**query, "page": pages[rel]})}>; rel="{rel}"' for rel in led_to]
        return list(items[(number - 1) * size : number * size]), {"Link": ", ".join(links)} if links else {}


def _or_404(found: T | None) -> T:
    if found is None:
        raise ApiError(404, "Not Found")
    return found


def _invalid(message: str) -> ApiError:
    error = {"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": message}
    return ApiError(422, "Validation Failed", errors=[error])


def make_json_answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    content_type = {"Content-Type": "application/json; charset=utf-8"}
    return Answer(status=status, headers={**content_type, **(headers or {})}, body=json.dumps(body).encode())


def show_user(call: Call) -> Answer:
    return make_json_answer(200, call.show.token_owner(call.login))


def show_repository(call: Call) -> Answer:
    call.require_repository()
    return make_json_answer(200, call.show.repository())


def list_comments(call: Call) -> Answer:
    pull = call.find_pull("issue_number")
    since = call.request.query.get("since", "")
    shown = [call.show.comment(comment) for comment in call.repository.comments.values() if comment.pull == pull.number]
    comments, links = call.page([comment for comment in shown if comment["updated_at"] >= since])
    return make_json_answer(200, comments, links)


def create_comment(call: Call) -> Answer:
    pull = call.find_pull("issue_number")
    if pull.locked:
        raise ApiError(403, "Unable to create comment because issue is locked.")
    comment = call.show.comment(call.repository.add_comment(pull.number, call.login, call.read_comment_body()))
    return make_json_answer(201, comment, {"Location": comment["url"]})


def show_comment(call: Call) -> Answer:
    return make_json_answer(200, call.show.comment(call.find_comment()))


def edit_comment(call: Call) -> Answer:
    comment = call.find_comment()
    comment.body, comment.updated = call.read_comment_body(), call.repository.tick()
    return make_json_answer(200, call.show.comment(comment))


def delete_comment(call: Call) -> Answer:
    del call.repository.comments[call.find_comment().id]
    return Answer(status=204)


def show_issue(call: Call) -> Answer:
    return make_json_answer(200, call.show.issue(call.find_pull("issue_number")))


def show_pull(call: Call) -> Answer:
    return make_json_answer(200, call.show.pull(call.find_pull("pull_number")))


def list_files(call: Call) -> Answer:
    files, links = call.page([call.show.changed_file(path) for path in call.find_pull("pull_number").files])
    return make_json_answer(200, files, links)


def list_pulls(call: Call) -> Answer:
    call.require_repository()
    query = call.request.query
    state, base, head = query.get("state", "open"), query.get("base", ""), query.get("head", "")
    if ":" not in head:
        head = ""  # GitHub ignores what is not `owner:branch`, and lists all
    wanted = [
        shown
        for shown in map(call.show.listed_pull, reversed(call.repository.pulls.values()))
        if state in ("all", shown["state"])
        and base in ("", shown["base"]["ref"])
        and head in ("", shown["head"]["label"])
    ]
    pulls, links = call.page(wanted if query.get("direction", "desc") == "desc" else wanted[::-1])
    return make_json_answer(200, pulls, links)


def list_pulls_of_commit(call: Call) -> Answer:
    call.require_repository()
    sha = call.parameters["commit_sha"]
    found = [pull for pull in call.repository.pulls.values() if sha in (pull.head_sha, pull.merge_commit_sha)]
    pulls, links = call.page([call.show.listed_pull(pull) for pull in found])
    return make_json_answer(200, pulls, links)


def list_caches(call: Call) -> Answer:
    call.require_repository()
    query = call.request.query
    order: dict[str, Callable[[ActionsCache], Any]] = {
        "created_at": lambda cache: cache.created,
        "last_accessed_at": lambda cache: cache.last_used,
        "size_in_bytes": lambda cache: cache.size,
    }
    found = [
        cache
        for cache in call.repository.caches.values()
        if cache.key.startswith(query.get("key", "")) and query.get("ref", cache.ref) == cache.ref
    ]
    found.sort(key=order[query.get("sort", "last_accessed_at")], reverse=query.get("direction", "desc") == "desc")
    caches, links = call.page(found)
    return make_json_answer(200, call.show.caches(caches, len(found)), links)


def delete_caches(call: Call) -> Answer:
    call.require_repository()
    key, ref = call.request.query["key"], call.request.query.get("ref")
    found = [cache for cache in call.repository.caches.values() if cache.key == key and ref in (None, cache.ref)]
    for cache in found:
        del call.repository.caches[cache.id]
    _or_404(found or None)
    return make_json_answer(200, call.show.caches(found, len(found)))


def delete_cache(call: Call) -> Answer:
    call.require_repository()
    _or_404(call.repository.caches.pop(call.number("cache_id"), None))
    return Answer(status=204)


def show_cache_usage(call: Call) -> Answer:
    call.require_repository()
    return make_json_answer(200, call.show.cache_usage())


Handler: TypeAlias = "Callable[[Call], Answer]"

_REPOSITORY = "/repos/{owner}/{repo}"
ROUTES: dict[str, dict[str, Handler]] = {
    "/user": {"GET": show_user},
    _REPOSITORY: {"GET": show_repository},
    f"{_REPOSITORY}/actions/cache/usage": {"GET": show_cache_usage},
    f"{_REPOSITORY}/actions/caches": {"GET": list_caches, "DELETE": delete_caches},
    f"{_REPOSITORY}/actions/caches/{{cache_id}}": {"DELETE": delete_cache},
    f"{_REPOSITORY}/commits/{{commit_sha}}/pulls": {"GET": list_pulls_of_commit},
    f"{_REPOSITORY}/issues/{{issue_number}}": {"GET": show_issue},
    f"{_REPOSITORY}/issues/{{issue_number}}/comments": {"GET": list_comments, "POST": create_comment},
    f"{_REPOSITORY}/issues/comments/{{comment_id}}": {
        "GET": show_comment,
        "PATCH": edit_comment,
        "DELETE": delete_comment,
    },
    f"{_REPOSITORY}/pulls": {"GET": list_pulls},
    f"{_REPOSITORY}/pulls/{{pull_number}}": {"GET": show_pull},
    f"{_REPOSITORY}/pulls/{{pull_number}}/files": {"GET": list_files},
}
