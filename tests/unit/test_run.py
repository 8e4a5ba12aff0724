"""The whole story, played from sessions with a real engine."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from tests.recordings.projects import REGISTRY, STATIC, VENV, Quiet, Shop, make_buildx, make_job
from tests.recordings.session import read_session, replay

from pycache_action.buildx.provenance import parse_metadata
from pycache_action.buildx.trace import TraceRecorder
from pycache_action.run import run

if TYPE_CHECKING:
    from pathlib import Path

    from pycache_action.job import Job
    from pycache_action.report import Report

pytestmark = pytest.mark.usefixtures("servers_answer")

BUILT: dict[str, object] = {"push": True, "tags": f"{REGISTRY}/shop:latest"}
PIP = Shop(inputs=BUILT)
ADDED = Shop(inputs=BUILT, requirements=PIP.requirements + "gamma==2.0\n")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def play(name: str, project: Path, shop: Shop, job: Job | None = None) -> tuple[Report, list[str]]:
    shop.write(project)
    session, log = replay(name), Quiet()
    report, _ = run(job or make_job(shop), make_buildx(session), log)
    assert session.calls == [], "the recorded session went on"
    return report, log.lines


def test_run__cold(project: Path) -> None:
    report, lines = play("pip-cold", project, PIP)
    (step,) = report.steps
    assert report.result == "miss"
    assert (step.line, step.cached) == (5, False)
    assert step.instruction.startswith("RUN --mount=type=bind")
    assert step.seconds > 0
    assert [cause.id for cause in step.causes] == ["no-previous-build"]
    assert step.packages is not None
    assert (step.packages.total, step.packages.installed) == (3, 3)
    assert report.matched_key == ""
    assert report.saved.layers > 0
    assert report.saved.bytes > 0
    assert report.digest.startswith("sha256:")
    assert report.warnings == ()
    assert [line for line in lines if line.startswith("#")] == ["# Dependencies", "# Cache", "# Build", "# Save"]


def test_run__unchanged_on_a_new_runner(project: Path) -> None:
    report, _ = play("pip-unchanged", project, PIP)
    (step,) = report.steps
    assert report.result == "hit"
    assert step.cached
    assert step.causes == ()
    assert report.matched_key == report.key
    assert report.saved.layers == 0
    assert report.saved.reason
    assert report.seconds_saved is not None
    assert report.seconds_saved > 0


def test_run__a_comment_was_added(project: Path) -> None:
    shop = Shop(inputs=BUILT, requirements="# what we need\n" + PIP.requirements)
    report, _ = play("pip-comment-added", project, shop)
    (cause,) = report.causes
    assert cause.id == "dependency-file-rewritten"
    assert cause.file == "requirements.txt"
    assert report.matched_key == report.key


def test_run__a_dependency_was_added_on_a_branch(project: Path) -> None:
    report, _ = play("pip-dependency-added", project, ADDED, make_job(ADDED, branches=("feature", "main")))
    (cause,) = report.causes
    assert cause.id == "dependencies-changed"
    assert "gamma" in cause.message
    assert (cause.file, cause.line) == ("requirements.txt", 3)
    assert report.matched_key != report.key
    assert report.difference is not None
    assert [change.name for change in report.difference.added] == ["gamma"]


def test_run__stages(project: Path) -> None:
    report, _ = play("venv-cold", project, Shop(dockerfile=VENV, inputs=BUILT))
    (step,) = report.steps
    assert (step.line, step.stage, step.cached) == (5, "builder", False)


def test_run__stages_unchanged(project: Path) -> None:
    report, _ = play("venv-unchanged", project, Shop(dockerfile=VENV, inputs=BUILT))
    assert report.result == "hit"


def test_run__an_instruction_was_edited(project: Path) -> None:
    shop = Shop(dockerfile=VENV.replace("WORKDIR /src", "WORKDIR /build"), inputs=BUILT)
    report, _ = play("venv-instruction-changed", project, shop)
    (cause,) = report.causes
    assert (cause.id, cause.file, cause.line) == ("instruction-changed", "Dockerfile", 3)
    assert "WORKDIR /src" in cause.message


def test_run__a_step_fails(project: Path) -> None:
    report, _ = play("run-failing-step", project, Shop(requirements="alpha==99\n", inputs=BUILT))
    assert report.result == "failed"
    assert "exit code: 1" in report.error
    assert report.saved.reason == "the build failed"
    assert [(step.line, step.cached) for step in report.steps] == [(5, False)]


def test_run__a_folder(project: Path) -> None:
    shop = Shop(dockerfile=STATIC)
    report, _ = play("local-cold", project, shop, make_job(shop, cache="local,path=../cache"))
    assert report.result == "hit"
    assert report.steps == ()
    assert report.warnings


def test_run__the_report_is_json_and_holds_no_more_than_that(project: Path) -> None:
    report, _ = play("pip-dependency-added", project, ADDED, make_job(ADDED, branches=("feature", "main")))
    document = json.loads(json.dumps(report.to_json()))
    assert document["schema"] == 1
    assert document["result"] == "miss"
    assert document["dependencies"]["added"]
    assert {"line", "instruction", "cached", "seconds", "causes", "packages"} <= document["install_steps"][0].keys()
    assert set(document["timings"]) == {"manifest", "restore", "build", "save", "total"}


def test_run__the_trace_and_graph_of_a_build_are_read_at_once() -> None:
    """Folding and reading a recorded build a hundred times over."""
    call = read_session("pip-cold")[1]
    metadata = call.files["{temp}/metadata.json"].decode()
    began = time.perf_counter()
    for _ in range(20):
        recorder = TraceRecorder()
        for line in call.stderr.splitlines():
            recorder.feed(line)
        recorder.trace()
        parse_metadata(metadata)
    assert (time.perf_counter() - began) / 20 < 0.3
