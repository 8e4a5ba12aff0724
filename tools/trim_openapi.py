"""Cuts GitHub's OpenAPI description down to the operations that the tests' stand-in serves.

    npm pack @octokit/openapi@23.0.2
    python tools/trim_openapi.py octokit-openapi-23.0.2.tgz >tests/support/github_openapi.json

To serve one more operation, add it to OPERATIONS and run both lines again.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_REPOSITORY = "/repos/{owner}/{repo}"
OPERATIONS = {
    "/user": ["get"],
    f"{_REPOSITORY}": ["get"],
    f"{_REPOSITORY}/actions/cache/usage": ["get"],
    f"{_REPOSITORY}/actions/caches": ["get", "delete"],
    f"{_REPOSITORY}/actions/caches/{{cache_id}}": ["delete"],
    f"{_REPOSITORY}/commits/{{commit_sha}}/pulls": ["get"],
    f"{_REPOSITORY}/issues/{{issue_number}}": ["get"],
    f"{_REPOSITORY}/issues/{{issue_number}}/comments": ["get", "post"],
    f"{_REPOSITORY}/issues/comments/{{comment_id}}": ["get", "patch", "delete"],
    f"{_REPOSITORY}/pulls": ["get"],
    f"{_REPOSITORY}/pulls/{{pull_number}}": ["get"],
    f"{_REPOSITORY}/pulls/{{pull_number}}/files": ["get"],
}
# whole answers of GitHub's own, which the stand-in fills in
EXAMPLES = [
    "diff-entry-items",
    "full-repository-default-response",
    "issue",
    "issue-comment",
    "private-user-response-with-public-and-private-profile-information",
    "pull-request",
]
_PROSE = {"description", "example", "examples", "externalDocs", "summary", "tags", "title", "x-github", "x-octokit"}


def trim(whole: dict[str, Any]) -> dict[str, Any]:
    """The operations and what they refer to, without prose, and the examples."""
    paths = {
        path: {method: _without_prose(whole["paths"][path][method]) for method in methods}
        for path, methods in OPERATIONS.items()
    }
    components: dict[str, dict[str, Any]] = {
        "examples": {name: whole["components"]["examples"][name] for name in EXAMPLES}
    }
    for name in (
        "pull-request",
        "pull-request-simple",
    ):  # GitHub answers null where the fork is gone: rest-api-description 1811
        head = whole["components"]["schemas"][name]["properties"]["head"]
        head["properties"]["repo"] = {"$ref": "#/components/schemas/nullable-repository"}
    left = list(_iter_references(paths))
    while left:
        kind, name = left.pop()
        if name not in components.setdefault(kind, {}):
            components[kind][name] = _without_prose(whole["components"][kind][name])
            left += _iter_references(components[kind][name])
    return {
        "openapi": whole["openapi"],
        "info": whole["info"],
        "servers": whole["servers"],
        "paths": paths,
        "components": {kind: dict(sorted(found.items())) for kind, found in sorted(components.items())},
    }


def _without_prose(node: Any, *, names: bool = False) -> Any:
    """`node` without the keys that only people read; right below `properties` the keys are names, whatever they say."""
    match node:
        case dict():
            kept = {key: value for key, value in node.items() if names or key not in _PROSE}
            return {key: _without_prose(value, names=key == "properties" and not names) for key, value in kept.items()}
        case list():
            return [_without_prose(value) for value in node]
        case _:
            return node


def _iter_references(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict) and isinstance(node.get("$ref"), str):
        _, _, kind, name = node["$ref"].split("/")
        yield kind, name
    elif isinstance(node, dict | list):
        for value in node.values() if isinstance(node, dict) else node:
            yield from _iter_references(value)


def main() -> None:
    archive = Path(sys.argv[1])
    with tarfile.open(archive) as package:
        description = package.extractfile("package/generated/api.github.com.json")
        assert description is not None
        trimmed = trim(json.load(description))
    trimmed["x-trimmed-from"] = f"npm {archive.name}, generated/api.github.com.json (MIT)"
    json.dump(trimmed, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
