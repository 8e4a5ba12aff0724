"""Workflow files as people write them, run by act with the action's own image on a real engine.

The containers of jobs and of the action run on the engine that all tests share; what they find at their socket is
that engine too (a runner that has seen builds before) or one with an empty store (a new runner).
"""

from __future__ import annotations

import json
import re
import secrets
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.gha_cache import GhaCache
from tests.support.github_api import GitHubApi
from tests.support.package_index import PackageIndex
from tests.workflow.act import Act, Runner
from tests.workflow.project import DOCKERFILE, PULL_REQUEST, Project
from tools.engine import Engine, EngineError, ensure_engine, ensure_tools, fresh_runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKOUT = Path(__file__).parents[2]
# What the action is built from here; a release takes the images that the Dockerfile names.
BASES = {
    "PYTHON_IMAGE": "python:3.11-slim",
    "BUILDX_IMAGE": "docker/buildx-bin:0.29.1",
    "BUSYBOX_IMAGE": "busybox:1.37",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Names of this run of the tests. `base` is an image with pip and wheels, so that builds need no network."""

    token: str
    base: str
    act: Act


@pytest.fixture(scope="session")
def engine() -> Engine:
    return ensure_engine()


@pytest.fixture(scope="session")
def docker(engine: Engine) -> Callable[..., str]:
    """`docker` on the shared engine; fails with its words."""

    def run(*arguments: str, host: str = "") -> str:
        environ = {**engine.environ, **({"DOCKER_HOST": host} if host else {})}
        done = subprocess.run(
            ["docker", *arguments], env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"docker {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="session")
def session(engine: Engine, docker: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """The images that all tests need: the runner's, the action's, and one to build from."""
    try:
        tools = ensure_tools(engine)
    except (EngineError, subprocess.CalledProcessError) as error:
        pytest.fail(f"act or the runner's image is missing (`python -m tools.engine tools` makes them): {error}")
    token = secrets.token_hex(4)
    action_image = f"{engine.registry}/pycache-action:test"
    bases = [f"--build-arg={name}={image}" for name, image in BASES.items()]
    build = ("buildx", "build", "--builder=default", "--provenance=false", "--load")
    docker(*build, *bases, "--tag", action_image, str(CHECKOUT))
    docker("push", "--quiet", action_image)
    base = f"{engine.registry}/workflow-tests/{token}/python:3.11"
    docker(*build, "--tag", base, str(_write_base(tmp_path_factory.mktemp("base"), token)))
    docker("push", "--quiet", base)
    docker("pull", "--quiet", tools.runner_image)
    act = Act(
        program=tools.act,
        image=tools.runner_image,
        action_image=action_image,
        engine=engine.environ,
        folder=tmp_path_factory.mktemp("act"),
    )
    yield Session(token=token, base=base, act=act)
    docker("image", "rm", "--force", base)


def _write_base(folder: Path, token: str) -> Path:
    with PackageIndex() as index:
        for version in ("1.0", "2.0"):
            index.add_wheel("alpha", version)
            index.add_wheel("beta", version, requires=["gamma"])
        index.add_wheel("gamma", "1.0")
        index.write_find_links(folder / "wheels")
    (folder / "token").write_text(token)
    (folder / "Dockerfile").write_text(
        "FROM python:3.11-slim\n"
        "ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore\n"
        "COPY wheels /wheels\nCOPY token /token\n"
    )
    return folder


@pytest.fixture
def act(session: Session) -> Act:
    return session.act


@pytest.fixture
def name(session: Session, request: pytest.FixtureRequest) -> str:
    """Unlike any other test's, fit for a tag and a repository."""
    slug = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    return f"{slug}-{session.token}"


@pytest.fixture
def project(tmp_path: Path, session: Session, name: str) -> Project:
    """Two packages installed from a requirements.txt, and a source file."""
    made = Project(tmp_path / "project")
    made.write("Dockerfile", DOCKERFILE.format(base=session.base, name=name))
    made.write("requirements.txt", "alpha==1.0\nbeta==1.0\n")
    made.write("app.py", "import alpha, beta\n")
    made.write(".dockerignore", ".git*\nREADME.md\n")
    return made


@pytest.fixture
def image(engine: Engine, name: str) -> str:
    """The name of an image for this test alone."""
    return f"{engine.registry}/workflow-tests/image/{name}"


@pytest.fixture
def warm_runner(engine: Engine, tmp_path: Path) -> Runner:
    """The engine that all tests share: it has the base image, and has not seen this project."""
    return Runner(socket=engine.docker_host, temp=tmp_path / "temp")


@pytest.fixture
def new_runner(engine: Engine, tmp_path: Path) -> Iterator[Callable[[], Runner]]:
    """Another runner at each call, with nothing in its engine and nothing in its temp folder."""
    with ExitStack() as stack:
        made: list[Runner] = []

        def start() -> Runner:
            fresh = stack.enter_context(fresh_runner(engine))
            temp = tmp_path / f"temp-{len(made)}"
            made.append(Runner(socket=fresh.docker_host, temp=temp, builder=fresh.builder or ""))
            return made[-1]

        yield start


@pytest.fixture
def github() -> Iterator[GitHubApi]:
    """GitHub's API, where pull request 7 changes requirements.txt."""
    with GitHubApi() as api:
        api.add_pull(PULL_REQUEST, head_branch="topic", files=("requirements.txt",))
        yield api


@pytest.fixture
def gha_cache() -> Iterator[GhaCache]:
    """A job's cache service, version 2, empty."""
    with GhaCache() as cache:
        yield cache


@pytest.fixture
def read_image(docker: Callable[..., str]) -> Callable[[str], dict[str, object]]:
    """The configuration of an image in the registry."""

    def read(reference: str) -> dict[str, object]:
        told = docker("buildx", "imagetools", "inspect", reference, "--format", "{{json .Image}}")
        document: dict[str, object] = json.loads(told)
        return document

    return read
