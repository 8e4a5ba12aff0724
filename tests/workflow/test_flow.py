"""The life of a change: pushed to main, seen by a new runner, changed in a pull request, pushed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.gha_token import READ, WRITE, make_token
from tests.workflow.project import PULL_REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.gha_cache import GhaCache
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


@pytest.fixture
def run(
    act: Act, project: Project, image: str, new_runner: Callable[[], Runner], github: GitHubApi
) -> Callable[..., WorkflowResult]:
    """Runs the workflow for an event on a new runner; it passes."""
    project.write(".github/workflows/image.yml", WORKFLOW)

    def run(event: Event, environ: dict[str, str], *options: str) -> WorkflowResult:
        result = act.run(
            event,
            new_runner(),
            environ={**environ, "GITHUB_API_URL": github.url},
            variables={"IMAGE": image},
            secrets={"GITHUB_TOKEN": github.token},
            options=options or ("--no-cache-server",),
        )
        assert result.ok
        return result

    return run


def test_flow__push_new_runner_pull_request_push_again(
    run: Callable[..., WorkflowResult], project: Project, github: GitHubApi, gha_cache: GhaCache
) -> None:
    cold = run(project.push(), _job(gha_cache, MAIN))
    assert cold.outputs()["cache-hit"] == "false"
    assert cold.outputs()["cache-result"] == "miss"
    assert cold.outputs()["miss-reason"] == "no-previous-build"
    assert cold.outputs()["digest"].startswith("sha256:")
    assert "GitHub's cache service" in cold.log()

    project.write("README.md", "Not part of the image.\n")
    hit = run(project.push(), _job(gha_cache, MAIN))
    assert_hit(hit, key=cold.outputs()["cache-key"])

    project.write("requirements.txt", "alpha==2.0\nbeta==1.0\n")
    miss = run(project.pull_request(), _job(gha_cache, PULL))
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
    again = run(project.pull_request(), _job(gha_cache, PULL))
    assert again.outputs()["cache-hit"] == "true"
    [edited] = github.comments(PULL_REQUEST)
    assert edited.id == comment.id
    assert edited.body != before
    assert edited.body.splitlines()[0] == before.splitlines()[0]
    assert "Comment edited" in again.log()


def test_flow__cache_service_version_1(run: Callable[..., WorkflowResult], project: Project, tmp_path: Path) -> None:
    """act's own service; its address reaches the job as ACTIONS_CACHE_URL."""
    environ = {"ACTIONS_RUNTIME_TOKEN": make_token(MAIN)}
    options = ("--cache-server-path", str(tmp_path / "actcache"), "--cache-server-addr", "127.0.0.1")
    cold = run(project.push(), environ, *options)
    assert cold.outputs()["miss-reason"] == "no-previous-build"
    assert_hit(run(project.push(), environ, *options), key=cold.outputs()["cache-key"])


def assert_hit(result: WorkflowResult, *, key: str) -> None:
    outputs = result.outputs()
    assert outputs["cache-hit"] == "true"
    assert outputs["cache-result"] == "hit"
    assert outputs["miss-reason"] == ""
    assert outputs["cache-key"] == outputs["cache-matched-key"] == key
    assert not result.annotations()


def _job(cache: GhaCache, scopes: tuple[tuple[str, int], ...]) -> dict[str, str]:
    """What the runner gives to a container action: not the version of the service."""
    return {name: value for name, value in cache.environment(scopes).items() if name != "ACTIONS_CACHE_SERVICE_V2"}
