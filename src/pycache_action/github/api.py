"""GitHub's REST API, for one repository and within a budget of time: whatever it does, the run goes on.

A question that fails for a passing reason is put again as a whole, never a single request of it: an answer of 502 to the
creation of a comment does not tell whether there is one now.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pycache_action.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from github import Github, GithubException
    from github.Repository import Repository

    from pycache_action.github.event import WorkflowRun

T = TypeVar("T")

BUDGET_SECONDS = 20.0
REQUEST_SECONDS = 8
ATTEMPTS = 3
PAUSE_SECONDS = 1.0
PAGE = 100


@dataclass(frozen=True, slots=True)
class Refused:
    """Why GitHub gave no answer: its status (0: none came) and its words."""

    status: int
    reason: str


class GitHubApi:
    """One repository's API. All questions together take `budget` seconds at most; `token` may be empty."""

    def __init__(self, run: WorkflowRun, token: str, *, budget: float = BUDGET_SECONDS) -> None:
        self._run = run
        self._token = token
        self._left = budget
        self._client: Github | None = None

    def ask(self, question: Callable[[Repository], T]) -> T | Refused:
        """Put a question to GitHub, again where that may help. Never raises, never takes longer than what is left."""
        if not self._token:
            return Refused(401, "no github-token is given")
        answers: list[T | Refused] = []
        started = time.monotonic()
        ends_at = started + self._left
        # A thread of its own, because no time limit of a request bounds an answer that drips.
        thread = threading.Thread(target=lambda: answers.append(self._insist(question, ends_at)), daemon=True)
        thread.start()
        thread.join(max(0.0, self._left))
        self._left -= time.monotonic() - started
        return answers[0] if answers else Refused(0, "GitHub did not answer in time")

    def find_login(self) -> str:
        """Whom the token stands for. Raises what PyGithub raises: to be called within a question.

        `GET /user` is for people's tokens. An app's, such as the job's own, learns its name from GraphQL alone.
        """
        from github import GithubException

        client = self._connect()
        try:
            return client.get_user().login
        except GithubException as error:
            if error.status not in (403, 404):
                raise
        try:
            _, answer = client.requester.graphql_query("query { viewer { login } }", {})
            return str(answer["data"]["viewer"]["login"])
        except (GithubException, KeyError, TypeError):
            return "github-actions[bot]"

    def _insist(self, question: Callable[[Repository], T], ends_at: float) -> T | Refused:
        for attempt in range(1, ATTEMPTS + 1):
            answer, pause = self._try(question)
            enough = attempt == ATTEMPTS or pause is None or time.monotonic() + pause >= ends_at
            if not isinstance(answer, Refused) or enough or pause is None:
                return answer
            time.sleep(pause)
        raise AssertionError("the last attempt returns")

    def _try(self, question: Callable[[Repository], T]) -> tuple[T | Refused, float | None]:
        """The answer, and where it is worth asking again, after how many seconds."""
        from github import BadAttributeException, GithubException
        from requests import RequestException

        senseless = (BadAttributeException, AssertionError, AttributeError, LookupError, TypeError, ValueError)
        try:
            return question(self._connect().get_repo(self._run.repository)), None
        except GithubException as error:
            return Refused(error.status, _words_of(error)), _pause_after(error)
        except (RequestException, OSError) as error:
            return Refused(0, f"GitHub cannot be reached: {type(error).__name__}"), PAUSE_SECONDS
        except senseless as error:  # what PyGithub makes of an answer that GitHub would not give, a proxy's say
            return Refused(0, f"GitHub's answer makes no sense: {type(error).__name__}"), None

    def _connect(self) -> Github:
        if self._client is None:
            from github import Auth, Github  # takes 0.3 s, and few runs comment

            self._client = Github(
                auth=Auth.Token(self._token),
                base_url=self._run.api_url,
                user_agent="pycache-action",
                timeout=REQUEST_SECONDS,
                per_page=PAGE,
                retry=None,
                seconds_between_requests=None,
                seconds_between_writes=None,
                lazy=True,
            )
        return self._client


def _words_of(error: GithubException) -> str:
    message = error.data.get("message") if isinstance(error.data, dict) else error.data
    return one_line(str(message or error.message or f"status {error.status}"), 200)


def _pause_after(error: GithubException) -> float | None:
    """https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#handle-rate-limit-errors-appropriately"""
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    asked = headers.get("retry-after", "")
    if asked.isdecimal():
        return float(asked)
    if error.status == 429 or headers.get("x-ratelimit-remaining") == "0" or "secondary rate limit" in _words_of(error):
        return 60.0  # as GitHub asks for, and more than there is
    return PAUSE_SECONDS if error.status >= 500 else None
