"""Real builds on real engines: `pycache build` as a process of its own, caches in registries, folders and services.

One engine serves all tests. A new runner is an engine (or builder) with an empty store, started for the test. Everything is named after the session
and the test, so that nothing an earlier test left behind can make a later one pass.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.engine.harness import DOCKERFILE, Product, Project
from tests.support.package_index import PackageIndex
from tools.engine import Engine, Runner, ensure_engine, fresh_runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HELPER = "docker-image://busybox:1.37"
NOT_PASSED_ON = re.compile(r"^(ACTIONS_|GITHUB_|RUNNER_|INPUT_|BUILDX_|DOCKER_|PYCACHE_|CI$)")


@dataclass(frozen=True, slots=True)
class Session:
    """Names of this run of the tests. `base` is an image with pip and a folder of wheels, so that no build needs a network."""

    token: str
    base: str


@pytest.fixture(scope="session")
def engine() -> Engine:
    return ensure_engine()


@pytest.fixture(scope="session")
def session(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Pushes the base image once; it holds a random file, so that no builder has seen any step on top of it."""
    token = secrets.token_hex(4)
    folder = tmp_path_factory.mktemp("base")
    with PackageIndex() as index:
        for version in ("1.0", "2.0"):
            index.add_wheel("alpha", version)
            index.add_wheel("beta", version, requires=["gamma"])
        index.add_wheel("gamma", "1.0")
        index.add_wheel("delta", "1.0")
        index.write_find_links(folder / "wheels")
    (folder / "token").write_text(token)
    (folder / "Dockerfile").write_text(
        "FROM python:3.11-slim\n"
        "ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore\n"
        "COPY wheels /wheels\nCOPY token /token\n"
    )
    base = f"{engine.registry}/engine-tests/{token}/python:3.11"
    product = _product(engine, folder)
    product.docker("buildx", "build", "--provenance=false", "--push", "--tag", base, str(folder))
    return Session(token=token, base=base)


@pytest.fixture
def name(session: Session, request: pytest.FixtureRequest) -> str:
    """Unlike any other test's, fit for a tag and a repository."""
    slug = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    return f"{session.token}-{slug}"


@pytest.fixture(scope="session")
def make_product(engine: Engine) -> Callable[[Path], Product]:
    """The product on the engine that all tests share, with `folder` for its files."""
    return lambda folder: _product(engine, folder)


@pytest.fixture
def pycache(engine: Engine, tmp_path: Path) -> Product:
    """The product on the engine that all tests share."""
    return _product(engine, tmp_path)


@pytest.fixture
def new_runner(engine: Engine, pycache: Product) -> Iterator[Callable[[], Product]]:
    """The product on an engine that has seen nothing; another one at each call."""
    with ExitStack() as stack:

        def start() -> Product:
            runner: Runner = stack.enter_context(fresh_runner(engine))
            return pycache.on(runner.environ)

        yield start


@pytest.fixture
def session_base(session: Session) -> str:
    """The image that projects start from."""
    return session.base


@pytest.fixture
def project(tmp_path: Path, session: Session, name: str) -> Project:
    """Two packages installed from a requirements.txt, and a source file; the folder's name makes the scope the test's own."""
    made = Project(tmp_path / name)
    made.write("Dockerfile", DOCKERFILE.format(base=session.base, name=name))
    made.write("requirements.txt", "alpha==1.0\nbeta==1.0\n")
    made.write("app.py", "import alpha, beta, gamma\n")
    return made


@pytest.fixture
def cache(engine: Engine, name: str) -> str:
    """A repository of the registry for this test alone."""
    return f"registry,ref={engine.registry}/engine-tests/cache/{name}"


@pytest.fixture
def image(engine: Engine, name: str) -> str:
    """The name of an image for this test alone."""
    return f"{engine.registry}/engine-tests/image/{name}"


def _product(engine: Engine, folder: Path) -> Product:
    """No variable of the job or shell that runs the tests changes what they see."""
    kept = {key: value for key, value in os.environ.items() if not NOT_PASSED_ON.match(key)}
    own = {"PYCACHE_HELPER": HELPER, "XDG_CACHE_HOME": str(folder / "xdg"), "COLUMNS": "200"}
    return Product(environ={**kept, **engine.environ, **own}, folder=folder)
