"""The words for numbers, verdicts and changes."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import reports

from pycache_action.causes import Cause, CauseId
from pycache_action.changes import tell_changes, tell_counts
from pycache_action.dependencies.difference import Change, Difference, Kind, OptionsChange
from pycache_action.failure import Failure
from pycache_action.findings import Packages
from pycache_action.report import Report, Result, SavedReport, Timings
from pycache_action.wording import (
    count,
    duration,
    explain,
    judge,
    read_fix,
    shorten_vertex,
    size,
    tell_failure,
    tell_packages,
    tell_saved,
    tell_step_name,
    tell_timings,
    tell_warnings,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (-3, "0.0 s"),
        (0.04, "0.0 s"),
        (1.94, "1.9 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (372, "6 min 12 s"),
        (3599.7, "1 h"),
        (3900, "1 h 5 min"),
        (math.inf, "unknown"),
        (math.nan, "unknown"),
    ],
)
def test_duration__at_its_edges(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 bytes"),
        (-1, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (180_000, "180 kB"),
        (999_600, "1.0 MB"),
        (84_213_760, "84 MB"),
        (1_234_567_890, "1.2 GB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_size__at_its_edges(number: int, words: str) -> None:
    assert size(number) == words


def test_count__plural_and_thousands() -> None:
    assert [count(0, "package"), count(1, "package"), count(1204, "package")] == [
        "0 packages",
        "1 package",
        "1,204 packages",
    ]
    assert count(2, "hash", "hashes") == "2 hashes"


@pytest.mark.parametrize(
    ("report", "title", "sentence"),
    [
        (reports.hit(), "Nothing was installed", "All 26 packages came from the cache. That saved about 38 s."),
        (
            reports.dependencies_changed(),
            "Everything was installed again",
            "All 28 packages were installed, which took 38 s.",
        ),
        (
            reports.first_build(),
            "First build: everything was installed",
            "All 26 packages were installed, which took 42 s. The next build can reuse them.",
        ),
        (
            reports.two_platforms(),
            "Some packages were installed",
            "41 of 53 packages were installed in 1 min 12 s; the others came from the cache.",
        ),
        (reports.failed(), "The build failed", "It ended with an error after 6.4 s."),
        (
            reports.make_report(steps=()),
            "No install step found",
            "The Dockerfile has no step that installs dependencies.",
        ),
        (
            reports.make_report(steps=(reports.make_step(packages=None),), seconds_saved=None),
            "Nothing was installed",
            "The install step came from the cache.",
        ),
        (
            reports.make_report(steps=(reports.make_step(packages=None),) * 2, seconds_saved=0.2),
            "Nothing was installed",
            "All 2 install steps came from the cache.",
        ),
        (
            reports.make_report(
                steps=(reports.make_step(packages=Packages(total=1, installed=0)),), seconds_saved=None
            ),
            "Nothing was installed",
            "The package came from the cache.",
        ),
        (
            reports.make_report(
                result=Result.MISS, steps=(reports.make_step(cached=False, seconds=3.0, packages=None),)
            ),
            "Everything was installed again",
            "The install step ran, which took 3.0 s.",
        ),
        (
            reports.make_report(
                result=Result.PARTIAL,
                steps=(
                    reports.make_step(cached=False, seconds=3.0, packages=None),
                    reports.make_step(line=9, packages=None),
                ),
            ),
            "Some packages were installed",
            "1 of 2 install steps ran, in 3.0 s; the others were cached.",
        ),
        (
            reports.make_report(
                result=Result.PARTIAL,
                steps=(reports.make_step(cached=False, seconds=2.0, packages=Packages(total=26, installed=1)),),
            ),
            "Some packages were installed",
            "1 of 26 packages was installed in 2.0 s; the others came from the cache.",
        ),
    ],
)
def test_judge__tells_the_numbers_that_matter(report: Report, title: str, sentence: str) -> None:
    verdict = judge(report)
    assert (verdict.title, verdict.sentence) == (title, sentence)


def test_judge__a_first_build_that_was_not_saved_promises_nothing() -> None:
    report = dataclasses.replace(reports.first_build(), saved=SavedReport(reason="the code comes from a fork"))
    assert "next build" not in judge(report).sentence


@pytest.mark.parametrize("result", list(Result))
def test_judge__without_any_step(result: Result) -> None:
    verdict = judge(reports.make_report(result=result, steps=()))
    assert verdict.title
    assert verdict.sentence.endswith(".")


def test_tell_step_name__has_stage_and_platform() -> None:
    step = reports.make_step(stage="builder", platform="linux/arm64", instruction="RUN uv sync")
    other = reports.make_step(stage="stage-1", platform="linux/amd64", instruction="RUN uv sync")
    both = reports.make_report(steps=(step, other))
    assert tell_step_name(step, both) == "[linux/arm64 builder] RUN uv sync"
    assert tell_step_name(other, both) == "[linux/amd64] RUN uv sync"
    assert tell_step_name(step, reports.make_report(steps=(step,))) == "[builder] RUN uv sync"
    assert tell_step_name(other, reports.make_report(steps=(other,))) == "RUN uv sync"


def test_tell_warnings__says_nothing_twice() -> None:
    report = reports.make_report(
        saved=SavedReport(reason="no route to host"),
        warnings=("The cache could not be saved: no route to host.", "requirements.txt: not UTF-8"),
    )
    assert tell_warnings(report) == ("requirements.txt: not UTF-8",)
    assert tell_warnings(reports.make_report(saved=SavedReport(), warnings=("a",))) == ("a",)


@pytest.mark.parametrize(
    ("packages", "words"),
    [
        (None, ""),
        (Packages(total=26, installed=0), "26 cached"),
        (Packages(total=1200, installed=1200), "1,200 installed"),
        (Packages(total=26, installed=2), "2 of 26 installed"),
    ],
)
def test_tell_packages__says_how_many(packages: Packages | None, words: str) -> None:
    assert tell_packages(packages) == words


def test_tell_saved__or_why_not() -> None:
    assert tell_saved(reports.dependencies_changed()) == "Saved 5 layers (84 MB) in 3.2 s for the next build."
    assert tell_saved(reports.hit()) == "Nothing was saved: everything was cached already."
    assert tell_saved(reports.make_report(saved=SavedReport())) == "Nothing was saved."


def test_tell_timings__leaves_out_what_took_no_time() -> None:
    report = reports.make_report(timings=Timings(manifest=0.01, build=4.0, total=4.2))
    assert tell_timings(report) == (("Build", "4.0 s"), ("Total", "4.2 s"))


def test_read_fix__tells_words_from_lines_to_write() -> None:
    fix = read_fix(Cause(id=CauseId.COPIED_FILES_CHANGED, message="", fix="Write:\n    COPY a .\n\n    RUN b\n"))
    assert (fix.text, fix.code) == ("Write:", ("COPY a .", "RUN b"))
    assert read_fix(Cause(id=CauseId.CACHE_EVICTED, message="")).code == ()


@pytest.mark.parametrize("id_", list(CauseId))
def test_explain__is_a_sentence_or_nothing(id_: CauseId) -> None:
    assert explain(Cause(id=id_, message="")).endswith((".", "")) or not explain(Cause(id=id_, message=""))


def test_tell_changes__direct_ones_first_each_in_its_own_terms() -> None:
    one = reports.make_requirement
    replace = dataclasses.replace

    def change(kind: Kind, **after: object) -> Change:
        before = one("pkg", "1.0")
        return Change(
            role="requirements",
            before=before,
            after=replace(before, **after),
            kinds=(kind,),
        )

    difference = Difference(
        changed=(
            change(Kind.UPGRADED, specifier="==2.0", direct=False),
            change(Kind.SOURCE, url="https://host/pkg.whl"),
            change(Kind.EXTRAS, extras=("async", "redis")),
            change(Kind.MARKER, marker="python_version < '3.12'"),
            change(Kind.EDITABLE, editable=True),
            change(Kind.OPTIONS, options=("--no-binary",)),
            change(Kind.HASHES, hashes=("sha256:1", "sha256:2")),
            change(Kind.LOOSENED, specifier=">=1.0"),
            change(Kind.SPECIFIER, specifier=""),
        ),
        options_changed=(OptionsChange(file="r.txt", added=("--pre",), removed=()),),
        renamed=(("a.txt", "b.txt"),),
        unreadable=("poetry.lock",),
    )
    rows = [(row.name, row.before, row.after, row.what) for row in tell_changes(difference)]
    assert rows == [
        ("pkg", "the default index", "https://host/pkg.whl", "other source"),
        ("pkg", "none", "[async,redis]", "other extras"),
        ("pkg", "always", "python_version < '3.12'", "other marker"),
        ("pkg", "not editable", "editable", "editable or not"),
        ("pkg", "none", "--no-binary", "other options"),
        ("pkg", "0 hashes", "2 hashes", "other hashes"),
        ("pkg", "1.0", ">=1.0", "loosened"),
        ("pkg", "1.0", "any version", "other versions"),
        ("r.txt", "–", "--pre", "options changed"),  # noqa: RUF001
        ("a.txt", "a.txt", "b.txt", "renamed"),
        ("poetry.lock", "–", "–", "changed"),  # noqa: RUF001
        ("pkg", "1.0", "2.0", "upgraded"),
    ]
    assert tell_counts(difference) == "11 changed, 1 renamed"


def test_tell_changes__of_nothing() -> None:
    assert tell_changes(Difference()) == ()
    assert tell_counts(Difference()) == ""


def test_tell_failure__of_a_command_is_its_exit_code() -> None:
    assert (
        tell_failure(reports.FAILURE) == "`RUN pip install --no-cache-dir -r requirements.txt` ended with exit code 1."
    )


def test_tell_failure__of_a_file_that_is_not_there_has_no_internals() -> None:
    failure = Failure(
        step="[2/2] COPY nothing.txt .",
        error=(
            "failed to compute cache key: failed to calculate checksum of ref fn2s335d9w3yyhp8ptrfkhgt7::mlxmw9qn:"
            ' "/nothing.txt": not found'
        ),
    )
    assert tell_failure(failure) == '`COPY nothing.txt .`: "/nothing.txt": not found'


def test_tell_failure__without_a_step_is_buildkits_words() -> None:
    words = "dockerfile parse error on line 3: unknown instruction: RNU (did you mean RUN?)"
    assert tell_failure(Failure(error=words)) == words


def test_shorten_vertex__drops_the_digest() -> None:
    assert shorten_vertex(f"[1/2] FROM docker.io/library/python:3.12@{reports.DIGEST}") == (
        "[1/2] FROM docker.io/library/python:3.12"
    )


@given(st.floats(), st.integers())
def test_numbers__are_never_refused(seconds: float, number: int) -> None:
    assert duration(seconds)
    assert size(number)
