"""What a GitHub repository holds, as far as the stand-in for the API serves it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

BOT = "github-actions[bot]"


@dataclass(slots=True, kw_only=True)
class Comment:
    """A comment on a pull request; `author` is empty where the account is gone."""

    id: int
    pull: int
    author: str
    body: str
    created: datetime
    updated: datetime


@dataclass(slots=True, kw_only=True)
class PullRequest:
    """A pull request; `head_repository` is None when the fork is gone."""

    number: int
    head_branch: str
    head_sha: str
    head_repository: str | None
    base_branch: str
    author: str
    created: datetime
    files: tuple[str, ...] = ()
    state: str = "open"
    locked: bool = False
    merge_commit_sha: str = "e5bd3914e2e596debea16f433f57875b5b90bcd6"


@dataclass(slots=True, kw_only=True)
class ActionsCache:
    """An entry of the Actions cache, `size` in bytes."""

    id: int
    key: str
    ref: str
    version: str
    size: int
    created: datetime
    last_used: datetime


@dataclass(slots=True, kw_only=True)
class Repository:
    """One repository, `name` with its owner; time goes on by a second with each thing that happens."""

    name: str = "org/project"
    default_branch: str = "main"
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    caches: dict[int, ActionsCache] = field(default_factory=dict)
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def tick(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(self.ids))

    def add_comment(self, pull: int, author: str, body: str) -> Comment:
        now = self.tick()
        comment = Comment(id=next(self.ids), pull=pull, author=author, body=body, created=now, updated=now)
        self.comments[comment.id] = comment
        return comment
