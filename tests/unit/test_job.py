"""What is built is named by what it is called and what it depends on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.recordings.projects import Shop, make_job

from pycache_action.cache.backend import Bucket, Gha, Off, Unavailable
from pycache_action.inputs import Inputs
from pycache_action.job import Job, identify
from pycache_action.plan import make_plan
from pycache_action.project import read_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def job() -> Job:
    return make_job(Shop())


def named(job: Job, root: Path, shop: Shop, **inputs: object) -> tuple[str, str]:
    shop.write(root)
    job = replace(job, inputs=Inputs.from_values({"context": str(root), **inputs}))
    identity = identify(job, read_project(job.inputs, root))
    return identity.scope, identity.key


def test_identify__by_the_first_tag_else_by_the_image(job: Job, tmp_path: Path) -> None:
    by_tag, _ = named(job, tmp_path, Shop(), tags="ghcr.io/org/api:1,ghcr.io/org/other:1")
    by_image, _ = named(job, tmp_path, Shop())
    assert by_tag.startswith("ghcr.io-org-api-")
    assert by_image.startswith("shop-")


def test_identify__a_scope_that_was_given_is_the_scope(job: Job, tmp_path: Path) -> None:
    scope, key = named(job, tmp_path, Shop(), scope="mine")
    assert scope == "mine"
    assert key.startswith("mine-")


def test_identify__the_key_is_what_the_dependencies_mean(job: Job, tmp_path: Path) -> None:
    _, key = named(job, tmp_path, Shop(requirements="alpha==1.0\nbeta\n"))
    _, same = named(job, tmp_path, Shop(requirements="# ours\nbeta\nALPHA == 1.0\n"))
    _, other = named(job, tmp_path, Shop(requirements="alpha==1.1\nbeta\n"))
    assert key == same != other


@pytest.mark.parametrize(
    ("backend", "name"),
    [
        (Off(), "off"),
        (Unavailable("it is down"), "none (it is down)"),
        (Gha(), "GitHub's cache service"),
        (Bucket("s3", (("secret_access_key", "hunter2"),)), "s3 bucket"),
    ],
)
def test_backend_name__is_for_people_and_holds_no_secret(
    job: Job, backend: Off | Unavailable | Gha | Bucket, name: str
) -> None:
    assert replace(job, backend=backend).backend_name == name


def test_make_plan__says_why(tmp_path: Path) -> None:
    Shop().write(tmp_path)
    installs = read_project(Inputs.from_values({"context": str(tmp_path)}), tmp_path).installs
    assert make_plan(installs).kind == make_plan(()).kind == "plain"
    assert make_plan(installs).reason != make_plan(()).reason
