"""What one build installed, no later build installs again, on whatever runner it happens; and the image is the same."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from tests.engine.images import delete_tag, read_files, read_layers, read_tags
from tools.engine.registry import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.engine.conftest import Session
    from tests.engine.harness import Outcome, Product, Project
    from tools.engine import Engine

BUILDER_STAGES = """\
FROM {base} AS builder
ENV PROJECT={name}
RUN python -m venv --without-pip --system-site-packages /venv
COPY requirements.txt .
RUN pip install --prefix /venv -r requirements.txt

FROM {base}
ENV PROJECT={name}
COPY --from=builder /venv /venv
COPY . .
"""


@pytest.fixture
def new_builder(pycache: Product) -> Iterator[Callable[[], Sequence[str]]]:
    """Options that name a docker-container builder which has seen nothing; another one at each call."""
    names: list[str] = []

    def create() -> Sequence[str]:
        names.append(f"pycache-test-{secrets.token_hex(4)}")
        driver = ("--driver", "docker-container", "--driver-opt", "network=host")
        pycache.docker("buildx", "create", "--name", names[-1], *driver, "--bootstrap")
        return "--builder", names[-1]

    yield create
    for name in names:
        pycache.docker("buildx", "rm", "--force", name)


@pytest.fixture(params=["registry", "local"])
def backend(request: pytest.FixtureRequest, cache: str, tmp_path: Path) -> str:
    return cache if request.param == "registry" else f"local,path={tmp_path / 'cache'}"


def assert_hit(outcome: Outcome) -> None:
    assert outcome.exit_code == 0, outcome
    assert (outcome.report["result"], outcome.causes, outcome.all_cached) == ("hit", [], True), outcome


def test_build__unchanged_on_a_new_engine(
    project: Project, backend: str, image: str, new_runner: Callable[[], Product], session: Session
) -> None:
    cold_runner = new_runner()
    cold = cold_runner.build(project, "--cache", backend, "--tag", image, "--push")
    assert (cold.exit_code, cold.report["result"], cold.cause_ids) == (0, "miss", ["no-previous-build"]), cold
    assert cold.report["saved"]["reason"] == "", cold
    assert cold.report["saved"]["layers"] > 0

    assert_hit(new_runner().build(project, "--cache", backend, "--tag", image, "--push"))

    plain = f"{image}:plain"
    build = ("buildx", "build", "--no-cache", "--provenance=false", "--push", "--tag", plain)
    cold_runner.docker(*build, str(project.folder))
    assert read_files(image, above=session.base) == read_files(plain, above=session.base)


def test_build__unchanged_on_a_new_builder_in_a_container(
    project: Project, backend: str, image: str, pycache: Product, new_builder: Callable[[], Sequence[str]]
) -> None:
    options = ("--cache", backend, "--tag", image, "--push")
    cold = pycache.build(project, *options, *new_builder())
    assert (cold.exit_code, cold.report["result"]) == (0, "miss"), cold
    assert cold.report["saved"]["reason"] == "", cold
    assert_hit(pycache.build(project, *options, *new_builder()))


def test_build__a_pushed_image_runs_on_a_new_engine(
    project: Project, cache: str, image: str, pycache: Product, new_runner: Callable[[], Product]
) -> None:
    assert pycache.build(project, "--cache", cache, "--tag", image, "--push").exit_code == 0
    runner = new_runner()
    assert_hit(runner.build(project, "--cache", cache, "--tag", image, "--push"))
    said = runner.docker("run", "--rm", image, "python3", "-c", "import app, alpha; print(alpha.__version__)")
    assert said.strip() == "1.0"


def test_build__several_stages(
    project: Project,
    session: Session,
    name: str,
    backend: str,
    image: str,
    pycache: Product,
    new_runner: Callable[[], Product],
) -> None:
    """The stage that installs is not part of the image: its layers are kept all the same."""
    project.write("Dockerfile", BUILDER_STAGES.format(base=session.base, name=name))
    options = ("--cache", backend, "--tag", image, "--push")
    cold = pycache.build(project, *options)
    assert (cold.exit_code, cold.report["result"]) == (0, "miss"), cold
    before = read_files(image, above=session.base)
    assert any(path.endswith("alpha/__init__.py") for path in before)

    assert_hit(new_runner().build(project, *options))
    assert read_files(image, above=session.base) == before

    project.write("app.py", "import beta\n")
    assert_hit(new_runner().build(project, *options))
    after = read_files(image, above=session.base)
    assert {path for path in before if before[path] != after[path]} == {"app.py"}


def test_build__a_cached_install_is_not_run_again_by_the_save(
    project: Project, session: Session, name: str, cache: str, pycache: Product, new_runner: Callable[[], Product]
) -> None:
    """Of two stages that install, one is cached and never comes to this engine; the other ran, and is saved."""
    stages = "".join(
        f"FROM {session.base} AS {stage}\nENV PROJECT={name}\nCOPY {stage}.txt .\n"
        f"RUN pip install --target /{stage} -r {stage}.txt && date > /{stage}/when\n\n"
        for stage in ("one", "two")
    )
    project.write("Dockerfile", f"{stages}FROM {session.base}\nCOPY --from=one /one /one\nCOPY --from=two /two /two\n")
    project.write("one.txt", "alpha==1.0\n")
    project.write("two.txt", "beta==1.0\n")
    options = ("--cache", cache, "--output", "type=cacheonly")
    assert pycache.build(project, *options).report["result"] == "miss"

    project.write("two.txt", "beta==2.0\n")
    changed = new_runner().build(project, *options)
    assert [step["cached"] for step in changed.steps] == [True, False], changed
    assert changed.report["result"] == "partial", changed
    assert changed.report["saved"]["reason"] == "", changed

    assert_hit(new_runner().build(project, *options))


def test_build__what_was_saved_for_other_dependencies_is_used(
    project: Project, cache: str, pycache: Product, new_runner: Callable[[], Product]
) -> None:
    """There and back again: both sets of dependencies stay in the cache."""
    options = ("--cache", cache, "--output", "type=cacheonly")
    first = pycache.build(project, *options)
    project.write("requirements.txt", "alpha==2.0\n")
    second = pycache.build(project, *options)
    assert second.cause_ids == ["dependencies-changed"], second
    assert second.report["matched_key"] == first.report["key"] != second.report["key"]

    project.write("requirements.txt", "alpha==1.0\nbeta==1.0\n")
    back = new_runner().build(project, *options)
    assert_hit(back)
    assert back.report["matched_key"] == first.report["key"]


def test_build__nothing_is_saved_twice(project: Project, cache: str, pycache: Product) -> None:
    options = ("--cache", cache, "--output", "type=cacheonly")
    pycache.build(project, *options)
    project.write("app.py", "import beta\n")
    again = pycache.build(project, *options)
    assert_hit(again)
    assert again.report["saved"]["reason"] == "nothing ran that would be worth saving"


def test_build__the_local_cache_survives_a_prune(project: Project, new_runner: Callable[[], Product]) -> None:
    """Without an option: in the user's cache folder. While the builder has its own, it is not imported."""
    runner = new_runner()
    options = ("--output", "type=cacheonly")
    assert runner.build(project, *options).report["result"] == "miss"
    warm = runner.build(project, *options)
    assert_hit(warm)
    assert "importing cache" not in warm.output
    runner.docker("system", "prune", "--all", "--force")
    runner.docker("buildx", "prune", "--all", "--force")
    assert_hit(runner.build(project, *options))


def test_build__the_layers_are_lost(
    project: Project, engine: Engine, name: str, cache: str, pycache: Product, new_runner: Callable[[], Product]
) -> None:
    """A registry's retention deletes tags; the manifest may outlive the layers."""
    options = ("--cache", cache, "--output", "type=cacheonly")
    pycache.build(project, *options)
    repository = f"engine-tests/cache/{name}"
    (layers,) = (tag for tag in read_tags(engine.registry, repository) if not tag.endswith(".manifest"))
    delete_tag(engine.registry, repository, layers)
    lost = new_runner().build(project, *options)
    assert lost.exit_code == 0, lost
    assert lost.cause_ids == ["cache-evicted"], lost
    assert lost.report["saved"]["reason"] == "", lost
    assert_hit(new_runner().build(project, *options))


def test_build__a_layer_is_lost(
    project: Project, engine: Engine, name: str, cache: str, pycache: Product, new_runner: Callable[[], Product]
) -> None:
    """A layer that the index still names, and that a changed step after it needs."""
    options = ("--cache", cache, "--output", "type=cacheonly")
    pycache.build(project, *options)
    repository = f"engine-tests/cache/{name}"
    (tag,) = (tag for tag in read_tags(engine.registry, repository) if not tag.endswith(".manifest"))
    for layer in read_layers(f"{engine.registry}/{repository}:{tag}"):
        Client(engine.registry).request("DELETE", f"/v2/{repository}/blobs/{layer['digest']}")
    project.write("app.py", "import beta\n")
    project.edit("Dockerfile", "COPY . .", "COPY . .\nRUN python3 -c 'import alpha'")
    lost = new_runner().build(project, *options)
    assert lost.exit_code == 0, lost
    assert lost.cause_ids == ["cache-unreadable"], lost


def test_build__the_manifest_is_lost(
    project: Project, engine: Engine, name: str, cache: str, pycache: Product, new_runner: Callable[[], Product]
) -> None:
    """The layers are found by the key all the same."""
    options = ("--cache", cache, "--output", "type=cacheonly")
    pycache.build(project, *options)
    repository = f"engine-tests/cache/{name}"
    (manifest,) = (tag for tag in read_tags(engine.registry, repository) if tag.endswith(".manifest"))
    delete_tag(engine.registry, repository, manifest)
    found = new_runner().build(project, *options)
    assert_hit(found)
    assert found.report["saved"]["reason"] == "", "a manifest is worth saving"
    project.write("requirements.txt", "alpha==2.0\n")
    assert new_runner().build(project, *options).cause_ids == ["dependencies-changed"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("x" * 100_000, "not used"), ('{"schema": 99, "from": "the future"}', "schema 99")],
    ids=["garbage", "of-the-future"],
)
def test_build__a_manifest_that_cannot_be_read(
    text: str, words: str, project: Project, cache: str, pycache: Product, new_runner: Callable[[], Product]
) -> None:
    options = ("--cache", cache, "--output", "type=cacheonly")
    first = pycache.build(project, *options)
    document = f"{first.report['scope']}.laptop.manifest"
    assert pycache.store(cache).put_document(document, text) is None

    outcome = new_runner().build(project, *options)
    assert outcome.exit_code == 0, outcome
    assert [words in warning for warning in outcome.report["warnings"]] == [True], outcome
    assert outcome.report["result"] == "hit", outcome

    mended = new_runner().build(project, *options)
    assert_hit(mended)
    assert mended.report["warnings"] == []
