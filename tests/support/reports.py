"""Reports of runs that people know: what wording, terminal, comment and summary are tried on, and the pictures show."""

from __future__ import annotations

import dataclasses

from pycache_action.causes import Cause, CauseId
from pycache_action.dependencies.difference import Change, Difference, Kind
from pycache_action.dependencies.model import Requirement, Source
from pycache_action.failure import Failure
from pycache_action.findings import Packages, StepReport
from pycache_action.github.event import WorkflowRun
from pycache_action.report import Report, Result, SavedReport, Timings

DIGEST = "sha256:1427a2122502eb89d707af9288424bd9967263b111d95734dc146fd95df3d6f3"
HEAD = "9fceb02d0ae598e95dc970b74767f19372d61af8"
INSTALL = "RUN pip install --no-cache-dir -r requirements.txt"

PULL_REQUEST = WorkflowRun(
    repository="acme/shop",
    private=False,
    event_name="pull_request",
    ref="refs/pull/128/merge",
    sha="b0b3b0b3b0b3b0b3b0b3b0b3b0b3b0b3b0b3b0b3",
    head_sha=HEAD,
    head_ref="upgrade-requests",
    base_ref="main",
    run_id="7423185001",
    actor="ada",
    pull_request=128,
    head_repository="acme/shop",
)


def make_requirement(
    name: str, version: str = "", *, line: int = 1, file: str = "requirements.txt", direct: bool = True
) -> Requirement:
    """One pinned package, or any version of it."""
    specifier = f"=={version}" if version else ""
    return Requirement(name=name, specifier=specifier, direct=direct, source=Source(file, line))


def make_change(name: str, before: str, after: str, *, line: int = 1, direct: bool = True) -> Change:
    """A pin that moved; an empty version is a package that is not there."""
    old = make_requirement(name, before, line=line, direct=direct) if before else None
    new = make_requirement(name, after, line=line, direct=direct) if after else None
    kinds = (Kind.UPGRADED,) if old and new else ()
    return Change(role="requirements", before=old, after=new, kinds=kinds)


def make_step(**changes: object) -> StepReport:
    """The install step of a small service, cached."""
    step = StepReport(
        line=7,
        instruction=INSTALL,
        stage="",
        platform="",
        cached=True,
        seconds=0.0,
        packages=Packages(total=26, installed=0),
    )
    return dataclasses.replace(step, **changes)  # type: ignore[arg-type]


def make_report(**changes: object) -> Report:
    """A run in which nothing had to be installed."""
    report = Report(
        result=Result.HIT,
        image="ghcr.io/acme/shop:pr-128",
        scope="ghcr.io-acme-shop-1f0c2e",
        key="ghcr.io-acme-shop-1f0c2e-63d1c0ffee5b2a90",
        matched_key="ghcr.io-acme-shop-1f0c2e-63d1c0ffee5b2a90",
        backend="GitHub's cache service",
        dockerfile="Dockerfile",
        plan_kind="plain",
        plan_reason="package layers are off",
        steps=(make_step(),),
        difference=None,
        timings=Timings(manifest=0.4, build=2.1, total=2.9),
        saved=SavedReport(reason="everything was cached already"),
        digest=DIGEST,
        image_id=DIGEST,
        seconds_saved=38.2,
    )
    return dataclasses.replace(report, **changes)  # type: ignore[arg-type]


def hit() -> Report:
    """The push after a miss: nothing was installed."""
    return make_report()


def dependencies_changed() -> Report:
    """Two packages upgraded, one added, one removed; four more came with them."""
    difference = Difference(
        changed=(
            make_change("requests", "2.31.0", "2.32.3", line=14),
            make_change("pydantic", "2.7.1", "2.9.2", line=11),
            make_change("pydantic-core", "2.18.2", "2.23.4", direct=False),
            make_change("urllib3", "2.2.1", "2.2.3", direct=False),
        ),
        added=(
            make_change("httpx", "", "0.27.2", line=8),
            make_change("h11", "", "0.14.0", direct=False),
            make_change("httpcore", "", "1.0.6", direct=False),
        ),
        removed=(make_change("aiohttp", "3.9.5", "", line=4),),
    )
    cause = Cause(
        id=CauseId.DEPENDENCIES_CHANGED,
        message=(
            "Requests was upgraded from 2.31.0 to 2.32.3, pydantic was upgraded from 2.7.1 to 2.9.2, httpx==0.27.2 was"
            " added, aiohttp was removed and 4 packages that others need changed."
        ),
        file="requirements.txt",
        line=14,
        evidence={"files": ["requirements.txt"]},
    )
    return make_report(
        result=Result.MISS,
        steps=(make_step(cached=False, seconds=38.2, causes=(cause,), packages=Packages(total=28, installed=28)),),
        key="ghcr.io-acme-shop-1f0c2e-a7b1d84422e09c11",
        difference=difference,
        timings=Timings(manifest=0.4, build=47.3, save=3.2, total=51.6),
        saved=SavedReport(layers=5, bytes=84_213_760),
        seconds_saved=None,
    )


def first_build() -> Report:
    """Nothing saved before; the next run has something to read."""
    cause = Cause(
        id=CauseId.NO_PREVIOUS_BUILD,
        message="Nothing was saved for this image yet (looked at: pr-128, main).",
        evidence={"branches": ["pr-128", "main"]},
    )
    return make_report(
        result=Result.MISS,
        steps=(make_step(cached=False, seconds=41.7, causes=(cause,), packages=Packages(total=26, installed=26)),),
        matched_key="",
        timings=Timings(manifest=0.6, build=49.0, save=5.1, total=55.4),
        saved=SavedReport(layers=6, bytes=143_900_000),
        seconds_saved=None,
    )


def copied_first() -> Report:
    """Everything is copied before the install, so a changed source file installs all anew. On a fork: nothing saved."""
    cause = Cause(
        id=CauseId.COPIED_FILES_CHANGED,
        message="src/shop/views.py and README.md changed, which `COPY . .` copies before the install.",
        file="Dockerfile",
        line=6,
        evidence={"files": ["src/shop/views.py", "README.md"]},
        fix=(
            "Copy the dependency files alone, install, and copy the rest after that:\n"
            "    COPY requirements.txt .\n"
            "    RUN pip install --no-cache-dir -r requirements.txt\n"
            "    COPY . .\n"
        ),
    )
    return make_report(
        result=Result.MISS,
        steps=(make_step(cached=False, seconds=36.4, causes=(cause,), packages=Packages(total=26, installed=26)),),
        timings=Timings(manifest=0.5, build=44.1, total=44.8),
        saved=SavedReport(reason="the code comes from mallory/shop, and what a fork builds is not kept"),
        seconds_saved=None,
        warnings=("requirements-dev.txt is read by no install step.",),
    )


def two_platforms() -> Report:
    """A worker and an API in one Dockerfile, for two platforms: the base image of one of the stages moved."""
    moved = Cause(
        id=CauseId.BASE_IMAGE_CHANGED,
        message="python:3.12-slim is another image now: its tag moved from 5dc6f84b5e97 to 1427a2122502.",
        file="docker/Dockerfile",
        line=1,
        fix=f"To decide yourself when this happens, pin it: FROM python:3.12-slim@{DIGEST}",
    )
    steps = tuple(
        make_step(
            line=line,
            stage=stage,
            platform=platform,
            cached=stage == "docs",
            seconds=0.0 if stage == "docs" else seconds,
            causes=() if stage == "docs" else (moved,),
            packages=Packages(total=total, installed=0 if stage == "docs" else total),
            instruction=instruction,
        )
        for stage, line, total, instruction in (
            ("builder", 9, 41, "RUN uv sync --frozen --no-dev"),
            ("docs", 21, 12, "RUN pip install -r docs/requirements.txt"),
        )
        for platform, seconds in (("linux/amd64", 19.4), ("linux/arm64", 71.8))
    )
    return make_report(
        result=Result.PARTIAL,
        image="ghcr.io/acme/worker:pr-128",
        dockerfile="docker/Dockerfile",
        steps=steps,
        timings=Timings(manifest=0.7, build=93.0, save=11.8, total=105.9),
        saved=SavedReport(layers=14, bytes=412_000_000),
        seconds_saved=6.3,
    )


def failed() -> Report:
    """A version that the index does not have."""
    cause = Cause(
        id=CauseId.DEPENDENCIES_CHANGED,
        message="Requests was upgraded from 2.31.0 to 2.99.0.",
        file="requirements.txt",
        line=14,
    )
    return make_report(
        result=Result.FAILED,
        steps=(make_step(cached=False, seconds=2.4, causes=(cause,), packages=None),),
        difference=Difference(changed=(make_change("requests", "2.31.0", "2.99.0", line=14),)),
        timings=Timings(manifest=0.4, build=6.4, total=6.9),
        saved=SavedReport(reason="the build failed"),
        digest="",
        image_id="",
        error=FAILURE.error,
        seconds_saved=None,
    )


FAILURE = Failure(
    error=(
        'process "/bin/sh -c pip install --no-cache-dir -r requirements.txt" did not complete successfully:'
        " exit code: 1"
    ),
    step=f"[4/5] {INSTALL}",
    log=(
        "Collecting flask==3.0.3 (from -r requirements.txt (line 6))\n"
        "  Downloading flask-3.0.3-py3-none-any.whl (101 kB)\n"
        "ERROR: Could not find a version that satisfies the requirement requests==2.99.0 (from versions: 2.31.0, "
        "2.32.0, 2.32.1, 2.32.2, 2.32.3)\n"
        "ERROR: No matching distribution found for requests==2.99.0\n"
    ),
    file="Dockerfile",
    line=7,
)

SAMPLES = {
    "hit": hit,
    "dependencies-changed": dependencies_changed,
    "first-build": first_build,
    "copied-first": copied_first,
    "two-platforms": two_platforms,
    "failed": failed,
}
