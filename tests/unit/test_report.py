"""The verdict on a run, and what went wrong on the way, told once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.recordings.projects import Shop, make_job
from tests.recordings.written import trace_of

from pycache_action.build import Built
from pycache_action.buildx.provenance import Metadata, Provenance
from pycache_action.buildx.trace import Trace
from pycache_action.cache.backend import Unavailable
from pycache_action.cache.lookup import Lookup
from pycache_action.causes import Cause, CauseId
from pycache_action.findings import Findings, Packages, StepReport
from pycache_action.inputs import Inputs
from pycache_action.job import Identity
from pycache_action.plan import Plain
from pycache_action.project import Project, read_project
from pycache_action.report import Report, make_report
from pycache_action.save import NotSaved, Saved

if TYPE_CHECKING:
    from pathlib import Path

DONE = Built(exit_code=0, trace=Trace(), metadata=Metadata({}, Provenance()), seconds=2.0)
CAUSE = Cause(id=CauseId.NO_PREVIOUS_BUILD, message="Nothing was saved yet.")
RAN = StepReport(
    line=5, instruction="RUN pip", stage="s", platform="linux/amd64", cached=False, seconds=3.0, causes=(CAUSE,)
)
CACHED = replace(RAN, cached=True, seconds=0.0, causes=())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    Shop().write(tmp_path)
    return read_project(Inputs.from_values({"context": str(tmp_path)}), tmp_path)


def report_of(
    project: Project,
    *steps: StepReport,
    built: Built = DONE,
    warnings: tuple[str, ...] = (),
    saved: Saved | NotSaved | None = None,
) -> Report:
    previous = Unavailable("it is down")
    return make_report(
        make_job(Shop()),
        Identity(scope="shop", key="shop-1"),
        project,
        Lookup(previous=previous, warnings=warnings),
        Plain("it is plain"),
        built,
        Findings(previous=previous, difference=None, records=(), steps=steps, salt="s", seconds_saved=None),
        saved or NotSaved(reason="nothing ran"),
        9.0,
    )


@pytest.mark.parametrize(
    ("steps", "result"),
    [
        ((), "hit"),
        ((CACHED, CACHED), "hit"),
        ((RAN, RAN), "miss"),
        ((RAN, CACHED), "partial"),
        ((replace(RAN, packages=Packages(total=26, installed=2)),), "partial"),
        ((replace(RAN, packages=Packages(total=26, installed=26)),), "miss"),
    ],
)
def test_make_report__verdict(project: Project, steps: tuple[StepReport, ...], result: str) -> None:
    assert report_of(project, *steps).result == result


def test_make_report__a_failed_build_is_no_hit(project: Project) -> None:
    built = replace(DONE, exit_code=1, trace=trace_of("[2/3] RUN make  failed: exit code: 2"))
    report = report_of(project, CACHED, built=built)
    assert (report.result, report.error) == ("failed", "exit code: 2")


@pytest.mark.parametrize(
    ("trace", "error"),
    [
        (Trace(), "buildx ended without a word"),
        (Trace((), ("note", "ERROR: no such builder")), "ERROR: no such builder"),
        (
            trace_of("importing cache manifest from x  failed: x: not found", messages=("ERROR: parse error",)),
            "ERROR: parse error",
        ),
    ],
)
def test_make_report__what_failed(project: Project, trace: Trace, error: str) -> None:
    assert report_of(project, built=replace(DONE, exit_code=1, trace=trace)).error == error


def test_make_report__warnings_come_once(project: Project) -> None:
    built = replace(DONE, cache_fault="it stalled")
    saved = NotSaved(reason="it is full", fault=True, seconds=1.0)
    assert report_of(project, built=built, warnings=("one", "one"), saved=saved).warnings == (
        "one",
        "The cache was given up and the build run without it: it stalled.",
        "The cache could not be saved: it is full.",
    )


def test_make_report__a_cause_of_two_steps_is_told_once(project: Project) -> None:
    report = report_of(project, RAN, replace(RAN, line=9), CACHED)
    assert report.causes == (CAUSE,)
    assert len(report.missed) == 2


def test_make_report__what_was_saved(project: Project) -> None:
    document = report_of(project, RAN, saved=Saved(layers=3, bytes=5, seconds=1.5)).to_json()
    assert document["saved"] == {"layers": 3, "bytes": 5, "reason": ""}
    assert document["plan"] == {"kind": "plain", "reason": "it is plain"}
    assert document["timings"] == {"manifest": 0.0, "restore": 0.0, "build": 2.0, "save": 1.5, "total": 9.0}
