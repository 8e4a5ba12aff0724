"""What the cache has is read from the branches a run may read, best first; what is wrong with it is a warning."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from tests.recordings.scripted import Asked, Say, Scripted, failed_vertex

from pycache_action.buildx.client import Buildx
from pycache_action.cache.backend import Gha, Local, Registry, Unavailable
from pycache_action.cache.lookup import Lookup, look_up
from pycache_action.cache.manifest import Manifest, SavedKey, render_manifest
from pycache_action.cache.naming import Branches, layers_name, manifest_name
from pycache_action.cache.store import Absent, Store
from pycache_action.dependencies.model import DependencySet

if TYPE_CHECKING:
    from pathlib import Path

    from pycache_action.cache.backend import Backend

pytestmark = pytest.mark.usefixtures("servers_answer")

BACKEND = Registry("registry.test/cache")
BRANCHES = Branches(own="feature", readable=("feature", "main"))
RAN = failed_vertex("[document 1/1] RUN", "did not complete successfully: exit code: 1")
REFUSED = failed_vertex("importing cache manifest from x", "connection refused")


def manifest_of(branch: str, *keys: str) -> Manifest:
    return Manifest(
        scope="shop",
        branch=branch,
        key=keys[-1],
        salt="s",
        keys=tuple(SavedKey(key=key, saved_at=1.0) for key in keys),
        dependencies=DependencySet(files=()),
        installs=(),
    )


@dataclass
class Cache:
    """A cache with these documents, by branch; a `Say` in place of one is how it fails."""

    documents: dict[str, str | Say] = field(default_factory=dict)
    in_builder: bool = False
    asked: list[str] = field(default_factory=list)

    def save(self, *manifests: Manifest) -> None:
        self.documents |= {manifest.branch: render_manifest(manifest) for manifest in manifests}

    def __call__(self, asked: Asked) -> Say:
        assert asked.standard_input is not None
        file = asked.standard_input.decode().split("> /", 1)[1].split('"', 1)[0]
        branch = next(b for b in ("feature", "main", "local") if file.startswith(manifest_name("shop", b)))
        imported = "--cache-from" in asked.arguments
        self.asked.append(branch if imported else f"{branch} in the builder")
        document = self.documents.get(branch) if imported or self.in_builder else None
        match document:
            case None:
                return Say(exit_code=1, stderr=[RAN])
            case str(text):
                (asked.destination / file).write_bytes(zlib.compress(text.encode()))
                return Say()
            case failure:
                return failure

    def look_up(self, key: str, *, backend: Backend = BACKEND, branches: Branches = BRANCHES) -> Lookup:
        buildx = Buildx(program=("docker", "buildx"), processes=Scripted(self), environment={})
        return look_up(Store(buildx=buildx, helper="helper", backend=backend), "shop", key, branches)


def layers(key: str, branch: str) -> str:
    return f"type=registry,ref=registry.test/cache:{layers_name(key, branch)}"


@pytest.fixture
def cache() -> Cache:
    return Cache()


def test_look_up__nothing_saved(cache: Cache) -> None:
    lookup = cache.look_up("shop-0000000000000001")
    assert lookup.previous == Absent()
    assert lookup.usable
    assert not lookup.saved
    assert lookup.matched_key == ""
    # Only the manifests may be lost.
    assert lookup.imports == (layers("shop-0000000000000001", "feature"), layers("shop-0000000000000001", "main"))
    assert cache.asked == ["feature", "main"]


def test_look_up__same_dependencies_on_the_own_branch(cache: Cache) -> None:
    cache.save(manifest_of("feature", "shop-0000000000000001"), manifest_of("main", "shop-0000000000000001"))
    lookup = cache.look_up("shop-0000000000000001")
    assert (lookup.saved, lookup.matched_key) == (True, "shop-0000000000000001")
    assert lookup.imports == (layers("shop-0000000000000001", "feature"),)
    assert cache.asked == ["feature"]


def test_look_up__same_dependencies_on_the_default_branch(cache: Cache) -> None:
    cache.save(manifest_of("feature", "shop-0000000000000002"), manifest_of("main", "shop-0000000000000001"))
    lookup = cache.look_up("shop-0000000000000001")
    assert lookup.saved
    assert isinstance(lookup.previous, Manifest)
    assert lookup.previous.branch == "main"
    assert lookup.imports[0] == layers("shop-0000000000000001", "main")


def test_look_up__other_dependencies(cache: Cache) -> None:
    cache.save(manifest_of("main", "shop-0000000000000001"))
    lookup = cache.look_up("shop-0000000000000002")
    assert not lookup.saved
    assert lookup.matched_key == "shop-0000000000000001"
    assert lookup.imports == (layers("shop-0000000000000001", "main"),)


def test_look_up__dependencies_of_the_day_before_yesterday(cache: Cache) -> None:
    """Going back to them finds the layers that were saved then."""
    cache.save(manifest_of("main", "shop-0000000000000001", "shop-0000000000000002", "shop-0000000000000003"))
    lookup = cache.look_up("shop-0000000000000001")
    assert lookup.saved
    assert lookup.imports == (layers("shop-0000000000000001", "main"), layers("shop-0000000000000003", "main"))


@pytest.mark.parametrize("branch", ["feature", "main"])
def test_look_up__a_cache_that_fails_is_not_asked_again(cache: Cache, branch: str) -> None:
    cache.documents[branch] = Say(exit_code=1, stderr=[REFUSED])
    lookup = cache.look_up("shop-0000000000000001")
    assert lookup.previous == Unavailable("connection refused")
    assert not lookup.usable
    assert lookup.imports == ()
    assert cache.asked[-1] == branch


def test_look_up__without_the_helper_image_the_layers_are_used(cache: Cache) -> None:
    cache.documents["feature"] = Say(exit_code=1, stderr=["ERROR: failed to solve: busybox: not found"])
    lookup = cache.look_up("shop-0000000000000001")
    assert lookup.usable
    assert lookup.imports == (layers("shop-0000000000000001", "feature"), layers("shop-0000000000000001", "main"))
    assert len(lookup.warnings) == 1
    assert "PYCACHE_HELPER" in lookup.warnings[0]


@pytest.mark.parametrize("text", ["", "{", "[" * 200_000, '{"schema": 99}', "null"])
def test_look_up__a_manifest_that_cannot_be_read_counts_as_none(cache: Cache, text: str) -> None:
    cache.documents["feature"] = text
    lookup = cache.look_up("shop-0000000000000001")
    assert lookup.previous == Absent()
    assert lookup.usable
    assert len(lookup.warnings) == 1
    assert "feature" in lookup.warnings[0]


def test_look_up__a_manifest_of_a_later_version_says_so_and_the_next_is_read(cache: Cache) -> None:
    cache.save(manifest_of("feature", "shop-0000000000000001"), manifest_of("main", "shop-0000000000000001"))
    cache.documents["feature"] = json.dumps({**json.loads(str(cache.documents["feature"])), "schema": 2})
    lookup = cache.look_up("shop-0000000000000001")
    assert lookup.saved
    assert lookup.warnings == ("The manifest saved on feature is not used: schema 2 instead of 1.",)


def test_look_up__a_manifest_of_another_image_is_not_believed(cache: Cache) -> None:
    cache.documents["feature"] = render_manifest(
        replace(manifest_of("feature", "shop-0000000000000001"), scope="other", branch="../x")
    )
    assert cache.look_up("shop-0000000000000001").previous == Absent()


def test_look_up__a_folder_is_not_imported_while_the_builder_has_it_all(cache: Cache, tmp_path: Path) -> None:
    cache.save(manifest_of("local", "shop-0000000000000001"))
    folder = tmp_path / layers_name("shop-0000000000000001", "local")
    folder.mkdir()
    (folder / "index.json").write_text("{}")
    laptop = Branches(own="local", readable=("local",))

    cache.in_builder = True
    warm = cache.look_up("shop-0000000000000001", backend=Local(tmp_path), branches=laptop)
    assert (warm.saved, warm.imports) == (True, ())
    assert cache.asked == ["local in the builder"]

    cache.in_builder = False
    cold = cache.look_up("shop-0000000000000001", backend=Local(tmp_path), branches=laptop)
    assert cold.imports == (f"type=local,src={folder}",)


def test_look_up__a_folder_that_was_deleted_is_saved_anew(cache: Cache, tmp_path: Path) -> None:
    cache.save(manifest_of("local", "shop-0000000000000001"))
    cache.in_builder = True
    lookup = cache.look_up(
        "shop-0000000000000001", backend=Local(tmp_path), branches=Branches(own="local", readable=("local",))
    )
    assert not lookup.saved


def test_look_up__imports_are_named_as_the_backend_names_them(cache: Cache) -> None:
    cache.save(manifest_of("feature", "shop-0000000000000001"))
    assert cache.look_up("shop-0000000000000001", backend=Gha()).imports == (
        f"type=gha,scope={layers_name('shop-0000000000000001', 'feature')}",
    )
