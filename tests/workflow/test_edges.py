"""What goes otherwise than planned, as the user of the workflow sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.support.gha_token import READ, WRITE
from tests.support.github_api import GitHubApi
from tests.workflow.project import PULL_REQUEST
from tests.workflow.servers import LockedRegistry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.gha_cache import GhaCache
    from tests.workflow.act import Act, Runner, WorkflowResult
    from tests.workflow.conftest import Session
    from tests.workflow.project import Event, Project
    from tools.engine import Engine

WORKFLOW = """\
name: image
on: [push, pull_request]
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
"""
PULL = ((f"refs/pull/{PULL_REQUEST}/merge", READ | WRITE), ("refs/heads/main", READ))


@pytest.fixture
def run(
    act: Act, project: Project, warm_runner: Runner, image: str, gha_cache: GhaCache
) -> Callable[..., WorkflowResult]:
    """Runs the workflow for an event, with `inputs` beside its own and steps for `later`."""

    def run(
        event: Callable[[], Event],
        *,
        inputs: str = "",
        environ: dict[str, str] | None = None,
        later: str = "",
        tags: str = image,
    ) -> WorkflowResult:
        lines = "".join(f"          {line}\n" for line in inputs.splitlines())
        project.write(".github/workflows/image.yml", WORKFLOW + lines + later)
        return act.run(
            event(),
            warm_runner,
            environ={**gha_cache.environment(), **(environ or {})},
            variables={"IMAGE": tags},
            secrets={"GITHUB_TOKEN": "ghs_stand-in"},
        )

    return run


def test_fork__comment_goes_to_a_file_and_nothing_is_saved(
    run: Callable[..., WorkflowResult], project: Project, warm_runner: Runner, gha_cache: GhaCache
) -> None:
    with GitHubApi(may_write=False) as github:
        github.add_pull(PULL_REQUEST, head_repository="stranger/project", files=("requirements.txt",))
        environ = {**gha_cache.environment(PULL), "GITHUB_API_URL": github.url}
        result = run(lambda: project.pull_request(fork="stranger/project"), inputs="comment: always", environ=environ)
        assert not github.comments(PULL_REQUEST)
    assert result.ok
    written = _on_this_machine(result.outputs()["comment-file"], warm_runner)
    assert written.read_text().startswith("<!-- pycache-action:")
    assert "alpha" in result.summary() or "installed" in result.summary()
    assert "stranger/project" in result.log()
    assert not gha_cache.entries


def test_comment__not_permitted_names_the_permission(
    run: Callable[..., WorkflowResult], project: Project, gha_cache: GhaCache
) -> None:
    with GitHubApi(may_write=False) as github:
        github.add_pull(PULL_REQUEST, files=("requirements.txt",))
        environ = {**gha_cache.environment(PULL), "GITHUB_API_URL": github.url}
        result = run(project.pull_request, environ=environ)
    assert result.ok
    [line] = [line for line in result.log().splitlines() if "pull-requests: write" in line]
    assert "permissions" in line


def test_fail_on_cache_miss__image_is_pushed_all_the_same(
    run: Callable[..., WorkflowResult], project: Project, image: str, docker: Callable[..., str]
) -> None:
    result = run(project.push, inputs="fail-on-cache-miss: true")
    assert not result.ok
    assert result.step_exit_code() == 5
    assert result.outputs()["cache-result"] == "miss"
    assert result.outputs()["digest"] in docker("buildx", "imagetools", "inspect", image)
    assert any("fail-on-cache-miss" in each.argument for each in result.annotations())


def test_failing_build__is_told_at_its_line(
    run: Callable[..., WorkflowResult], project: Project, warm_runner: Runner, gha_cache: GhaCache
) -> None:
    project.write("requirements.txt", "alpha==1.0\nnot-there==9.9\n")
    result = run(project.push)
    assert not result.ok
    assert result.step_exit_code() == 1
    assert "No matching distribution found for not-there==9.9" in result.log()
    assert "No matching distribution found" in result.summary()
    [error] = [each for each in result.annotations() if each.command == "error"]
    assert (error.properties["file"], error.properties["line"]) == ("Dockerfile", "4")
    assert result.outputs()["cache-result"] == "failed"
    report = json.loads(_on_this_machine(result.outputs()["report"], warm_runner).read_text())
    assert report["result"] == "failed"
    assert not gha_cache.entries


def test_save__never(run: Callable[..., WorkflowResult], project: Project, gha_cache: GhaCache) -> None:
    result = run(project.push, inputs="save: never")
    assert result.ok
    assert result.outputs()["cache-result"] == "miss"
    assert not gha_cache.entries


def test_save__auto_respects_the_cache_mode(
    run: Callable[..., WorkflowResult], project: Project, gha_cache: GhaCache
) -> None:
    result = run(project.push, environ={"ACTIONS_CACHE_MODE": "read"})
    assert result.ok
    assert not gha_cache.entries
    assert "cache-mode of this job is read" in result.log()


def test_cache__off_asks_nobody(run: Callable[..., WorkflowResult], project: Project, gha_cache: GhaCache) -> None:
    result = run(project.push, inputs='cache: "off"')
    assert result.ok
    assert result.outputs()["miss-reason"] == "cache-disabled"
    assert result.outputs()["digest"].startswith("sha256:")
    assert not gha_cache.requests


def test_cache__service_refuses_to_save(
    run: Callable[..., WorkflowResult], project: Project, gha_cache: GhaCache
) -> None:
    result = run(project.push, environ=gha_cache.environment([("refs/heads/main", READ)]))
    assert result.ok
    assert result.outputs()["digest"].startswith("sha256:")
    assert not gha_cache.entries


def test_cache__service_refuses_to_save_and_it_is_told(
    run: Callable[..., WorkflowResult], project: Project, gha_cache: GhaCache
) -> None:
    result = run(project.push, environ=gha_cache.environment([("refs/heads/main", READ)]))
    assert "permission_denied" in result.log()


def test_save__tells_what_was_saved_to_githubs_service(
    run: Callable[..., WorkflowResult], project: Project, warm_runner: Runner
) -> None:
    result = run(project.push)
    report = json.loads(_on_this_machine(result.outputs()["report"], warm_runner).read_text())
    assert report["saved"]["layers"] > 0


def test_input__unknown_value(run: Callable[..., WorkflowResult], project: Project) -> None:
    result = run(project.push, inputs="save: alway")
    assert not result.ok
    assert result.step_exit_code() == 2
    [error] = result.annotations()
    assert "save: 'alway' is not known" in error.argument
    assert "Did you mean 'always'?" in error.argument
    assert "Traceback" not in result.wire


def test_outputs__in_the_workspace_are_there_for_later_steps(
    run: Callable[..., WorkflowResult],
    project: Project,
    session: Session,
    name: str,
    image: str,
    docker: Callable[..., str],
) -> None:
    project.write(
        "Dockerfile",
        f"FROM {session.base} AS install\nENV PROJECT={name}\nCOPY requirements.txt /\n"
        "RUN pip install --target /site -r /requirements.txt\nFROM scratch\nCOPY --from=install /site /\n",
    )
    inputs = "outputs: type=local,dest=out\nreport: told/report.json"
    later = "      - id: later\n        run: ls out/alpha && grep schema told/report.json\n"
    result = run(project.push, inputs=inputs, later=later)
    assert result.ok
    assert "__init__.py" in result.log("later")
    assert result.outputs()["digest"] in docker("buildx", "imagetools", "inspect", image)


def test_outputs__path_the_container_does_not_have(run: Callable[..., WorkflowResult], project: Project) -> None:
    result = run(project.push, inputs="outputs: type=local,dest=/opt/out")
    assert not result.ok
    assert result.step_exit_code() == 2
    [error] = result.annotations()
    assert "/opt/out" in error.argument
    assert "runner.temp" in error.argument


def _on_this_machine(path: str, runner: Runner) -> Path:
    """A file in the runner's temp folder, which jobs know as /tmp."""
    assert path.startswith("/tmp/")
    return runner.temp / path.removeprefix("/tmp/")


def test_push__refused_is_the_registrys_fault_not_the_caches(
    run: Callable[..., WorkflowResult], project: Project, engine: Engine, name: str
) -> None:
    with LockedRegistry(engine.registry, "ci", "unknown") as registry:
        result = run(project.push, tags=f"{registry.address}/team/{name}")
    assert not result.ok
    assert result.step_exit_code() == 1
    assert [each.command for each in result.annotations()] == ["error"]
    assert "401" in result.annotations()[0].argument
