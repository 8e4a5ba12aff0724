"""The one comment on a pull request: found again by its marker and its author, edited, never repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never, cast
from urllib.parse import quote

from pycache_action.github.api import Refused
from pycache_action.report import Result

if TYPE_CHECKING:
    from pathlib import Path

    from github.IssueComment import IssueComment
    from github.NamedUser import NamedUser
    from github.Repository import Repository

    from pycache_action.github.api import GitHubApi
    from pycache_action.github.event import WorkflowRun
    from pycache_action.report import Report

LIMIT_CHARACTERS = 65_536


@dataclass(frozen=True, slots=True)
class Posted:
    """The comment is there; `how` is `created`, `edited` or `unchanged`."""

    url: str
    how: str


@dataclass(frozen=True, slots=True)
class NotWanted:
    """There is nothing to tell, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The token may not comment; somebody else has to. The reason says what to do about it."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotPosted:
    """GitHub did not take the comment, and why."""

    reason: str


Commented = Posted | NotWanted | NotAllowed | NotPosted


def render_marker(scope: str) -> str:
    """The first line of the comment, which no reader sees."""
    return f"<!-- pycache-action:{quote(scope, safe='')} -->"


def put_comment(
    api: GitHubApi, run: WorkflowRun, pull_request: int, report: Report, body: str, *, mode: str
) -> Commented:
    """Create or edit the comment of the report's scope, if `mode` (`auto`, `always`, `never`) and the result want it.

    `auto` tells of an install that ran; once it did, also of the push that needs none again. Comments of others are
    never touched, whatever marker they carry. Never raises.
    """
    if mode == "never":
        return NotWanted("comment is never")
    is_news = mode == "always" or report.result in (Result.MISS, Result.PARTIAL)
    may_edit = is_news or report.result is Result.HIT
    if not may_edit:
        return NotWanted("a build that failed says nothing about the cache")
    marker = render_marker(report.scope)
    whole = f"{marker}\n{body}"[:LIMIT_CHARACTERS]

    def ask(repository: Repository) -> Commented:
        comment = _find_own(api, repository, pull_request, marker)
        if comment is None and not is_news:
            return NotWanted("nothing was installed")
        if comment is None:
            issue = repository.get_issue(pull_request)
            return Posted(issue.create_comment(whole).html_url, "created")
        if _same(comment.body, whole):
            return Posted(comment.html_url, "unchanged")
        comment.edit(whole)
        return Posted(comment.html_url, "edited")

    answer = api.ask(ask)
    return _explain(answer, run) if isinstance(answer, Refused) else answer


def write_comment_file(folder: Path, report: Report, body: str) -> Path:
    """Write the comment for somebody else to post; its path is the output `comment-file`. Raises `OSError`."""
    path = folder / "pycache-comment.md"
    path.write_text(f"{render_marker(report.scope)}\n{body}"[:LIMIT_CHARACTERS], encoding="utf-8", errors="replace")
    return path


def tell_commented(commented: Commented) -> str:
    """One line for the log."""
    match commented:
        case Posted(url=url, how=how):
            return f"Comment {how}: {url}"
        case NotWanted(reason=reason):
            return f"No comment: {reason}."
        case NotAllowed(reason=reason) | NotPosted(reason=reason):
            return f"Comment not posted: {reason}."
        case _:
            assert_never(commented)


def _find_own(api: GitHubApi, repository: Repository, pull_request: int, marker: str) -> IssueComment | None:
    marked = [
        comment
        for comment in repository.get_issue(pull_request).get_comments()
        if (comment.body or "").lstrip().startswith(marker)
    ]
    login = api.find_login() if marked else ""
    return next((each for each in marked if _login_of(each) == login), None)


def _login_of(comment: IssueComment) -> str:
    """Who wrote it; empty where the account is gone, which PyGithub's types do not tell."""
    user = cast("NamedUser | None", comment.user)
    return user.login if user is not None else ""


def _same(seen: str, wanted: str) -> bool:
    def lines(text: str) -> list[str]:
        return [line.rstrip() for line in text.strip().splitlines()]

    return lines(seen) == lines(wanted)


def _explain(refused: Refused, run: WorkflowRun) -> NotAllowed | NotPosted:
    words = refused.reason
    match refused.status:
        case 401:
            return NotAllowed(f"github-token is not accepted ({words})")
        case 403 | 423 if "locked" in words.lower():
            return NotPosted("the conversation is locked")
        case 403 if "rate limit" in words or "abuse" in words:
            return NotPosted("GitHub's rate limit is reached")
        case 403 if run.is_fork:
            return NotAllowed(
                "the pull request comes from a fork, whose token may not write;"
                " the output comment-file holds the text for a job that may"
            )
        case 403:
            return NotAllowed(
                "github-token may not write to pull requests; give the job `permissions: pull-requests: write`"
                " (and `contents: read`)"
            )
        case 404:
            return NotPosted("there is no such pull request, or github-token may not see it")
        case 410:
            return NotPosted("the conversation is gone")
        case 429:
            return NotPosted("GitHub's rate limit is reached")
        case 0:
            return NotPosted(words)
        case status:
            return NotPosted(f"GitHub answered {status}: {words}")
