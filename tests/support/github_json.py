"""Pull requests, comments and caches as GitHub's API shows them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from tests.support.github_openapi import read_description
from tests.support.github_state import BOT

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.github_state import ActionsCache, Comment, PullRequest, Repository

Json: TypeAlias = dict[str, Any]


class Renderer:
    """Shows a repository as the API at `url` does: GitHub's own examples, filled in."""

    def __init__(self, repository: Repository, url: str) -> None:
        self._repository = repository
        self._url = url

    def repository(self) -> Json:
        shown = self._example("full-repository-default-response")
        for name in ("organization", "parent", "source", "template_repository"):
            del shown[name]  # a fork of a template, and the example itself lacks fields of these
        return {**shown, "language": "Python", "default_branch": self._repository.default_branch}

    def comment(self, comment: Comment) -> Json:
        issue = f"{self._api}/issues/{comment.pull}"
        return {
            **self._example("issue-comment"),
            "id": comment.id,
            "url": f"{self._api}/issues/comments/{comment.id}",
            "html_url": f"{self._page}/pull/{comment.pull}#issuecomment-{comment.id}",
            "issue_url": issue,
            "body": comment.body,
            "user": self.user(comment.author) if comment.author else None,
            "created_at": _time(comment.created),
            "updated_at": _time(comment.updated),
            "author_association": "NONE",
        }

    def pull(self, pull: PullRequest) -> Json:
        url, issue = f"{self._api}/pulls/{pull.number}", f"{self._api}/issues/{pull.number}"
        closed = None if pull.state == "open" else _time(pull.created)
        return {
            **self._example("pull-request"),
            **self._common(pull),
            "url": url,
            "issue_url": issue,
            "comments_url": f"{issue}/comments",
            "comments": self._count(pull),
            "closed_at": closed,
            "merged_at": None,
            "merged_by": None,
            "merge_commit_sha": pull.merge_commit_sha,
            "requested_reviewers": [],
            "requested_teams": [],
            "head": self._branch(pull.head_repository, pull.head_branch, pull.head_sha),
            "base": self._branch(self._repository.name, pull.base_branch, "6dcb09b5b57875f334f61aebed695e2e4193db5e"),
            "_links": {name: {"href": href} for name, href in self._links(url, issue, pull).items()},
        }

    def listed_pull(self, pull: PullRequest) -> Json:
        """As lists show it: without what only the pull request's own page has."""
        properties = read_description()["components"]["schemas"]["pull-request-simple"]["properties"]
        return {name: value for name, value in self.pull(pull).items() if name in properties}

    def issue(self, pull: PullRequest) -> Json:
        url = f"{self._api}/issues/{pull.number}"
        return {
            **self._example("issue"),
            **self._common(pull),
            "url": url,
            "repository_url": self._api,
            "comments_url": f"{url}/comments",
            "comments": self._count(pull),
            "pull_request": {
                "url": f"{self._api}/pulls/{pull.number}",
                "html_url": f"{self._page}/pull/{pull.number}",
                "diff_url": f"{self._page}/pull/{pull.number}.diff",
                "patch_url": f"{self._page}/pull/{pull.number}.patch",
            },
        }

    def changed_file(self, path: str) -> Json:
        shown = json.loads(json.dumps(self._example("diff-entry-items")[0]).replace("file1.txt", quote(path)))
        return {**shown, "filename": path, "status": "modified"}

    def cache(self, cache: ActionsCache) -> Json:
        return {
            "id": cache.id,
            "ref": cache.ref,
            "key": cache.key,
            "version": cache.version,
            "last_accessed_at": _time(cache.last_used),
            "created_at": _time(cache.created),
            "size_in_bytes": cache.size,
        }

    def caches(self, caches: list[ActionsCache], total: int) -> Json:
        return {"total_count": total, "actions_caches": [self.cache(cache) for cache in caches]}

    def cache_usage(self) -> Json:
        caches = self._repository.caches.values()
        return {
            "full_name": self._repository.name,
            "active_caches_size_in_bytes": sum(cache.size for cache in caches),
            "active_caches_count": len(caches),
        }

    def token_owner(self, login: str) -> Json:
        """As the owner of a token sees itself."""
        shown = self._example("private-user-response-with-public-and-private-profile-information")
        return {**shown, **self.user(login), "name": login, "user_view_type": "private"}

    def user(self, login: str) -> Json:
        shown = json.loads(json.dumps(self._example("issue-comment")["user"]).replace("octocat", login))
        identity = {"id": 41898282, "type": "Bot"} if login == BOT else {"id": sum(login.encode()), "type": "User"}
        return {**shown, **identity}

    @property
    def _api(self) -> str:
        return f"{self._url}/repos/{self._repository.name}"

    @property
    def _page(self) -> str:
        return f"https://github.com/{self._repository.name}"

    def _example(self, name: str) -> Any:
        example = json.dumps(read_description()["components"]["examples"][name]["value"])
        example = example.replace("https://api.github.com", self._url).replace(
            "octocat/Hello-World", self._repository.name
        )
        return json.loads(example)

    def _common(self, pull: PullRequest) -> Json:
        return {
            "id": 1000 + pull.number,
            "number": pull.number,
            "html_url": f"{self._page}/pull/{pull.number}",
            "state": pull.state,
            "locked": pull.locked,
            "active_lock_reason": "too heated" if pull.locked else None,
            "user": self.user(pull.author),
            "created_at": _time(pull.created),
            "updated_at": _time(pull.created),
            "labels": [],
            "milestone": None,
            "assignee": None,
            "assignees": [],
        }

    def _branch(self, repository: str | None, branch: str, sha: str) -> Json:
        owner, _, name = (repository or "ghost/ghost").partition("/")
        shown: Json = self._example("pull-request")["head"]["repo"]
        shown |= {
            "name": name,
            "full_name": repository,
            "owner": self.user(owner),
            "fork": repository != self._repository.name,
        }
        return {
            "label": f"{owner}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": self.user(owner),
            "repo": shown if repository else None,
        }

    def _links(self, url: str, issue: str, pull: PullRequest) -> dict[str, str]:
        return {
            "self": url,
            "html": f"{self._page}/pull/{pull.number}",
            "issue": issue,
            "comments": f"{issue}/comments",
            "review_comments": f"{url}/comments",
            "review_comment": f"{self._api}/pulls/comments{{/number}}",
            "commits": f"{url}/commits",
            "statuses": f"{self._api}/statuses/{pull.head_sha}",
        }

    def _count(self, pull: PullRequest) -> int:
        return sum(comment.pull == pull.number for comment in self._repository.comments.values())


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
