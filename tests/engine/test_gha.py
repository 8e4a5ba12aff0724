"""GitHub's cache service, version 2, by command line and by action."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.harness import Product, Project
    from tests.support.gha_cache import GhaCache

CACHE_ONLY = ("--output", "type=cacheonly")


def test_build__unchanged_on_a_new_engine(
    project: Project, gha_cache: GhaCache, pycache: Product, new_runner: Callable[[], Product]
) -> None:
    cold = pycache.on(gha_cache.environment()).build(project, "--cache", "gha", *CACHE_ONLY)
    assert (cold.exit_code, cold.cause_ids) == (0, ["no-previous-build"]), cold
    assert cold.report["saved"]["reason"] == "", cold
    assert cold.report["saved"]["layers"] > 0
    assert all(entry.size is not None for entry in gha_cache.entries)

    second = new_runner().on(gha_cache.environment()).build(project, "--cache", "gha", *CACHE_ONLY)
    assert (second.exit_code, second.report["result"], second.causes) == (0, "hit", []), second

    project.edit("requirements.txt", "alpha==1.0", "alpha==2.0")
    third = pycache.on(gha_cache.environment()).build(project, "--cache", "gha", *CACHE_ONLY)
    assert third.cause_ids == ["dependencies-changed"], third


def test_build__a_job_without_the_service(project: Project, pycache: Product) -> None:
    outcome = pycache.build(project, "--cache", "gha", *CACHE_ONLY)
    assert (outcome.exit_code, outcome.cause_ids) == (0, ["cache-unreadable"]), outcome
    assert "no cache service" in outcome.output


def test_build__a_token_that_may_only_read(
    project: Project, gha_cache: GhaCache, pycache: Product, new_runner: Callable[[], Product]
) -> None:
    """As a pull request from a fork has it."""
    reading = gha_cache.environment([("refs/pull/1/merge", 1), ("refs/heads/main", 1)])
    refused = pycache.on(reading).build(project, "--cache", "gha", *CACHE_ONLY)
    assert refused.exit_code == 0, refused
    assert refused.report["saved"]["reason"] != "", refused
    assert gha_cache.entries == []

    pycache.on(gha_cache.environment()).build(project, "--cache", "gha", *CACHE_ONLY)
    hit = new_runner().on(reading).build(project, "--cache", "gha", *CACHE_ONLY)
    assert hit.report["result"] == "hit", hit


def test_build__everything_evicted(
    project: Project, gha_cache: GhaCache, pycache: Product, new_runner: Callable[[], Product]
) -> None:
    """The service drops what it likes: blobs and their index apart."""
    pycache.on(gha_cache.environment()).build(project, "--cache", "gha", *CACHE_ONLY)
    gha_cache.evict("buildkit-blob")
    outcome = new_runner().on(gha_cache.environment()).build(project, "--cache", "gha", *CACHE_ONLY)
    assert (outcome.exit_code, outcome.report["result"]) == (0, "miss"), outcome
    gha_cache.evict()
    empty = new_runner().on(gha_cache.environment()).build(project, "--cache", "gha", *CACHE_ONLY)
    assert (empty.exit_code, empty.cause_ids) == (0, ["no-previous-build"]), empty


def test_action__unchanged_on_a_new_engine(
    project: Project, gha_cache: GhaCache, pycache: Product, new_runner: Callable[[], Product]
) -> None:
    """`cache: auto` finds the service by what a job has, which is less than what buildx wants."""
    given = {key: value for key, value in gha_cache.environment().items() if key != "ACTIONS_CACHE_SERVICE_V2"}
    outputs = []
    for product in (pycache, new_runner()):
        file = project.path("../outputs")
        file.write_text("")
        job = {
            **given,
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(project.folder),
            "GITHUB_OUTPUT": str(file),
            "GITHUB_REPOSITORY": "org/project",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REF_NAME": "main",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_SHA": "0" * 40,
            "RUNNER_TEMP": str(product.folder),
            "INPUT_CONTEXT": str(project.folder),
            "INPUT_OUTPUTS": "type=cacheonly",
        }
        done = product.on(job).act()
        assert done.exit_code == 0, done
        outputs.append(file.read_text())
    assert "miss" in outputs[0]
    assert "hit" in outputs[1]
