"""The life of a change: pushed to main, seen by a new runner, changed in a pull request, pushed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.gha_cache import GhaCache
from tests.support.gha_token import READ, WRITE, make_token
from tests.workflow.project import PULL_REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.github_api import GitHubApi
    from tests.workflow.act import Act, Runner, WorkflowResult
    from tests.workflow.project import Event, Project

MAIN = (("refs/heads/main", READ | WRITE),)
PULL = ((f"refs/pull/{PULL_REQUEST}/merge", READ | WRITE), ("refs/heads/main", READ))
WORKFLOW = """\
name: image
on: [push, pull_request]
permissions:
  contents: read
  pull-requests: write
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: build
        uses: org/pycache-action@v1
        with:
          context: .
          tags: ${{ vars.IMAGE }}
          push: true
      - id: told
        run: test -s "${{ steps.build.outputs.report }}"
"""


@pytest.fixture(params=["v1", "v2"])
def service(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., tuple[dict[str, str], list[str]]]]:
    """A job's cache service: environment and options of act for a job that may reach these scopes."""
    if request.param == "v1":  # act's own
        options = ["--cache-server-path", str(tmp_path / "actcache"), "--cache-server-addr", "127.0.0.1"]
        yield lambda scopes: ({"ACTIONS_RUNTIME_TOKEN": make_token(scopes)}, options)
        return
    with GhaCache() as cache:

        def environment(scopes: tuple[tuple[str, int], ...]) -> tuple[dict[str, str], list[str]]:
            given = cache.environment(scopes)
            del given["ACTIONS_CACHE_SERVICE_V2"]  # a container action does not get it
            return given, ["--no-cache-server"]

        yield environment


def test_flow__push_new_runner_pull_request_push_again(
    act: Act,
    project: Project,
    image: str,
    new_runner: Callable[[], Runner],
    service: Callable[..., tuple[dict[str, str], list[str]]],
    github: GitHubApi,
) -> None:
    project.write(".github/workflows/image.yml", WORKFLOW)

    def run(event: Event, scopes: tuple[tuple[str, int], ...]) -> WorkflowResult:
        environ, options = service(scopes)
        result = act.run(
            event,
            new_runner(),
            environ={**environ, "GITHUB_API_URL": github.url},
            variables={"IMAGE": image},
            secrets={"GITHUB_TOKEN": github.token},
            options=options,
        )
        assert result.ok
        return result

    cold = run(project.push(), MAIN)
    assert cold.outputs()["cache-hit"] == "false"
    assert cold.outputs()["cache-result"] == "miss"
    assert cold.outputs()["miss-reason"] == "no-previous-build"
    assert cold.outputs()["digest"].startswith("sha256:")
    assert "GitHub's cache service" in cold.log()

    project.write("README.md", "Not part of the image.\n")
    hit = run(project.push(), MAIN)
    assert hit.outputs()["cache-hit"] == "true"
    assert hit.outputs()["cache-result"] == "hit"
    assert hit.outputs()["miss-reason"] == ""
    assert hit.outputs()["cache-key"] == hit.outputs()["cache-matched-key"] == cold.outputs()["cache-key"]
    assert not hit.annotations()

    project.write("requirements.txt", "alpha==2.0\nbeta==1.0\n")
    miss = run(project.pull_request(), PULL)
    assert miss.outputs()["cache-result"] == "miss"
    assert miss.outputs()["miss-reason"] == "dependencies-changed"
    assert miss.outputs()["cache-matched-key"] == cold.outputs()["cache-key"]
    [comment] = github.comments(PULL_REQUEST)
    assert comment.author == github.login
    assert comment.body.startswith("<!-- pycache-action:")
    assert "alpha" in comment.body
    assert "2.0" in comment.body
    assert "alpha" in miss.summary()
    [annotation] = [each for each in miss.annotations() if each.properties.get("file") == "Dockerfile"]
    assert annotation.properties["line"] == "4"

    before = comment.body
    project.write("README.md", "Still not part of the image.\n")
    again = run(project.pull_request(), PULL)
    assert again.outputs()["cache-hit"] == "true"
    [edited] = github.comments(PULL_REQUEST)
    assert edited.id == comment.id
    assert edited.body != before
    assert edited.body.splitlines()[0] == before.splitlines()[0]
    assert "Comment edited" in again.log()
