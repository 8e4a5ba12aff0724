"""Names tell images, dependencies and branches apart, and fit where they have to."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycache_action.cache.naming import compute_key, compute_scope, layers_name, manifest_name, slugify

TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
"""https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests"""
IMAGES = st.sampled_from(
    ["app", "ghcr.io/Org/App:1", "localhost:5000/app", "a" * 300, "ä/€", "", "--", "app@sha256:11"]
)
BRANCHES = st.text(max_size=300) | st.sampled_from(["main", "Feature/X", "feature-x", "feature/x", "1/merge", ""])


def scope_of(
    image: str = "app", dockerfile: str = "Dockerfile", target: str = "", platforms: tuple[str, ...] = ()
) -> str:
    return compute_scope(image=image, dockerfile=dockerfile, target=target, platforms=platforms)


def test_compute_scope__can_be_read() -> None:
    scope = scope_of("ghcr.io/org/app:1.2", "docker/Dockerfile.prod", "api", ("linux/amd64",))
    assert re.fullmatch(r"ghcr\.io-org-app-docker-dockerfile\.prod-a?-?[0-9a-f]{6}", scope), scope


@pytest.mark.parametrize("image", ["app:1", "app:2", "app@sha256:aa", "APP:1"])
def test_compute_scope__version_of_the_image_is_no_part_of_it(image: str) -> None:
    assert scope_of(image) == scope_of("app")


def test_compute_scope__a_registrys_port_is_no_tag() -> None:
    assert scope_of("localhost:5000/app") != scope_of("localhost:5001/app")
    assert scope_of("localhost:5000/app:1") == scope_of("localhost:5000/app")


def test_compute_scope__every_part_counts() -> None:
    scopes = [
        scope_of(),
        scope_of("other"),
        scope_of(dockerfile="api/Dockerfile"),
        scope_of(target="api"),
        scope_of(platforms=("linux/arm64",)),
        scope_of(platforms=("linux/amd64", "linux/arm64")),
    ]
    assert len(set(scopes)) == len(scopes)


def test_compute_scope__what_the_slug_loses_still_counts() -> None:
    assert scope_of("org/app") != scope_of("org-app")
    assert scope_of("a" * 100) != scope_of("a" * 101)
    assert scope_of(target="x") != scope_of(dockerfile="x")


def test_compute_scope__order_of_platforms_does_not_count() -> None:
    both = ("linux/amd64", "linux/arm64")
    assert scope_of(platforms=both) == scope_of(platforms=both[::-1])


@given(IMAGES, st.text(max_size=80), st.text(max_size=80), BRANCHES, st.text())
def test_names__fit_a_registrys_tag(image: str, dockerfile: str, target: str, branch: str, meaning: str) -> None:
    scope = compute_scope(image=image, dockerfile=dockerfile, target=target, platforms=("linux/arm64/v8",))
    key = compute_key(scope, meaning)
    assert TAG.fullmatch(layers_name(key, branch))
    assert TAG.fullmatch(manifest_name(scope, branch))


@given(BRANCHES, BRANCHES)
def test_names__two_branches_never_share_one(one: str, two: str) -> None:
    """A pull request never writes what the default branch reads."""
    assert (layers_name("key", one) == layers_name("key", two)) == (one == two)
    assert layers_name("key", one) != manifest_name("key", two)


def test_compute_key__meaning_counts() -> None:
    assert compute_key("app", "a") == compute_key("app", "a") != compute_key("app", "b")
    assert compute_key("app", "a").startswith("app-")


@given(st.text())
def test_slugify__any_text(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9._-]{1,40}", slugify(text))
