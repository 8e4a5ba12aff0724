"""A stand-in for GitHub's REST API, and for the one GraphQL query that tells whose token it is.

    with GitHubApi() as github:
        github.add_pull(7, head_branch="topic")
        github.add_comments(7, 70)
        github.fail(r"^POST .*/comments$", FORBIDDEN)
        ...
        assert github.comments(7)[-1].body == ...

Every request and answer is held against GitHub's own OpenAPI description. One that does not fit is answered with 400 and
raised as ContractError where the `with` ends.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from tests.support.github_json import Renderer
from tests.support.github_openapi import ContractError, check_answer, check_request
from tests.support.github_routes import ROUTES, ApiError, Call, make_json_answer
from tests.support.github_state import BOT, ActionsCache, Comment, PullRequest, Repository
from tests.support.http_server import LOOPBACK, Answer, HttpServer, Request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An answer in place of the real one; with no `status`, the real one after `seconds`.

    With `acts`, the request has its effect all the same: a gateway's answer does not tell.
    """

    status: int | None = None
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0
    acts: bool = False


FORBIDDEN = Fault(status=403, message="Resource not accessible by integration")
NOT_FOUND = Fault(status=404, message="Not Found")
GONE = Fault(status=410, message="This issue was deleted")
LOCKED = Fault(status=423, message="Locked")
BAD_GATEWAY = Fault(status=502, message="Server Error")
BAD_GATEWAY_AFTER_ALL = Fault(status=502, message="Server Error", acts=True)


def make_too_many_requests(retry_after: int) -> Fault:
    """GitHub's secondary rate limit, over in `retry_after` seconds."""
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    return Fault(status=429, message=message, headers={"Retry-After": str(retry_after)})


def make_slow(seconds: float) -> Fault:
    """The real answer, after so long."""
    return Fault(seconds=seconds)


class GitHubApi:
    """One repository behind GitHub's API.

    `token` is the only one let in. It is an installation's, as `github-token` is in a job, unless it is a `user`'s;
    with `may_write` false it only reads, as on a fork's pull request.
    """

    def __init__(
        self,
        repository: str = "org/project",
        *,
        token: str = "ghs_stand-in",
        user: str = "",
        may_write: bool = True,
        bind: str = LOOPBACK,
    ) -> None:
        self.repository = Repository(name=repository)
        self.token = token
        self.may_write = may_write
        self._user = user
        self._faults: list[tuple[str, Fault, int]] = []
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._server = HttpServer(self._answer, bind=bind)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._server.__exit__(kind, error, trace)

    @property
    def url(self) -> str:
        """What GITHUB_API_URL holds."""
        return self._server.url

    @property
    def graphql_url(self) -> str:
        """What GITHUB_GRAPHQL_URL holds."""
        return f"{self.url}/graphql"

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def login(self) -> str:
        """Whose comments the token writes."""
        return self._user or BOT

    @property
    def requests(self) -> list[Request]:
        """Every request so far, also those that were refused."""
        return self._server.requests

    def add_pull(
        self,
        number: int,
        *,
        head_branch: str = "topic",
        head_sha: str = "6dcb09b5b57875f334f61aebed695e2e4193db5e",
        head_repository: str | None = "",
        base_branch: str = "main",
        files: tuple[str, ...] = (),
        state: str = "open",
        locked: bool = False,
    ) -> PullRequest:
        """Opens a pull request that changes `files`; `head_repository` is this one's own unless a fork is named, or None when that is gone."""
        head = self.repository.name if head_repository == "" else head_repository
        pull = PullRequest(
            number=number,
            head_branch=head_branch,
            head_sha=head_sha,
            head_repository=head,
            base_branch=base_branch,
            author="contributor",
            created=self.repository.tick(),
            files=files,
            state=state,
            locked=locked,
        )
        self.repository.pulls[number] = pull
        return pull

    def add_comments(
        self, pull: int, count: int = 1, *, author: str = "reviewer", body: str = "Looks good."
    ) -> list[Comment]:
        """Writes as many comments of the same words."""
        return [self.repository.add_comment(pull, author, body) for _ in range(count)]

    def comments(self, pull: int) -> list[Comment]:
        """The comments of a pull request, oldest first."""
        return [comment for comment in self.repository.comments.values() if comment.pull == pull]

    def add_cache(
        self, key: str, *, ref: str = "refs/heads/main", size: int = 1000, version: str = "v1"
    ) -> ActionsCache:
        """Stores an entry in the Actions cache, without content."""
        now = self.repository.tick()
        cache = ActionsCache(
            id=next(self.repository.ids), key=key, ref=ref, version=version, size=size, created=now, last_used=now
        )
        self.repository.caches[cache.id] = cache
        return cache

    def fail(self, matching: str, fault: Fault, *, times: int = 1) -> None:
        """Answers the next so many requests that match (`METHOD /path?query`, a regular expression) with `fault`."""
        with self._lock:
            self._faults += [(matching, fault, times)]

    def _answer(self, request: Request) -> Answer:
        fault = self._take_fault(request)
        if fault is not None:
            self._ending.wait(fault.seconds)
        try:
            with self._lock:
                if request.path == "/graphql":
                    return self._answer_graphql(request, fault)
                answer = self._answer_rest(request, fault)
                check_answer(request, answer)
        except ContractError as error:
            self._server.errors.append(error)
            return make_json_answer(400, {"message": f"The stand-in cannot answer this: {error}"})
        return answer

    def _answer_rest(self, request: Request, fault: Fault | None) -> Answer:
        template, parameters = _find_template(request)
        check_request(template, request)
        try:
            if fault is None or not fault.acts:
                _raise(fault)
            self._authorise(request)
            renderer = Renderer(self.repository, f"http://{request.headers['Host']}")
            call = Call(
                request=request, parameters=parameters, repository=self.repository, show=renderer, login=self.login
            )
            answer = ROUTES[template][request.method](call)
            _raise(fault)
            return answer
        except ApiError as error:
            return make_json_answer(error.status, error.body, error.headers)

    def _authorise(self, request: Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in ("token", "bearer") or token != self.token:
            raise ApiError(401, "Bad credentials")
        if not self.may_write and request.method != "GET":
            raise ApiError(403, FORBIDDEN.message)
        if not self._user and request.path == "/user":
            raise ApiError(403, FORBIDDEN.message)

    def _answer_graphql(self, request: Request, fault: Fault | None) -> Answer:
        query = json.loads(request.body).get("query", "")
        if re.sub(r"\s", "", query).removeprefix("query") != "{viewer{login}}":
            raise ContractError(f"only `viewer {{ login }}` is served, not {query!r}")
        try:
            _raise(fault)
            self._authorise(replace(request, method="GET"))  # a query is a POST that reads
        except ApiError as error:
            return make_json_answer(error.status, error.body, error.headers)
        return make_json_answer(200, {"data": {"viewer": {"login": self.login}}})

    def _take_fault(self, request: Request) -> Fault | None:
        with self._lock:
            for index, (matching, fault, times) in enumerate(self._faults):
                if re.search(matching, str(request)):
                    self._faults[index : index + 1] = [(matching, fault, times - 1)] if times > 1 else []
                    return fault
        return None


def _raise(fault: Fault | None) -> None:
    if fault is not None and fault.status is not None:
        raise ApiError(fault.status, fault.message, headers=fault.headers)


def _find_template(request: Request) -> tuple[str, dict[str, str]]:
    for template, methods in ROUTES.items():
        match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), request.path)
        if match and request.method in methods:
            return template, match.groupdict()
    raise ContractError(f"{request}: not served; see tools/trim_openapi.py")
