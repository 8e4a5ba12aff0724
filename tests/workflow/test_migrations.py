"""Workflows as people have them for docker/build-push-action (`workflows/*.before.yml`), and what makes them ours.

The first line of each says what that is; README tells the same. What the workflows use beside the two actions is played
by those in `actions/`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.package_index import PackageIndex
from tests.workflow.project import DOCKERFILE, REPOSITORY
from tests.workflow.servers import GitHost, LockedRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.gha_cache import GhaCache
    from tests.workflow.act import Act, Runner, WorkflowResult
    from tests.workflow.conftest import Session
    from tests.workflow.project import Project
    from tools.engine import Engine

WORKFLOWS = Path(__file__).parent / "workflows"
README = Path(__file__).parents[2] / "README.md"
NAMES = sorted(path.stem for path in WORKFLOWS.glob("*.yml") if not path.stem.endswith(".before"))
TOKEN = "ghs_of-the-job"
PASSWORD = "registry-password-p4ss"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a migrated workflow runs with."""

    act: Act
    project: Project
    runner: Runner
    variables: dict[str, str]
    environ: dict[str, str]
    secrets: dict[str, str] = field(default_factory=lambda: {"GITHUB_TOKEN": TOKEN})

    def run(self, workflow: str) -> WorkflowResult:
        """Run the workflow for a push; it passes, and our step built what it should."""
        shutil.copy(WORKFLOWS / f"{workflow}.yml", self._folder() / "image.yml")
        event = self.project.push()
        result = self.act.run(event, self.runner, environ=self.environ, variables=self.variables, secrets=self.secrets)
        assert result.ok
        assert result.outputs()["cache-result"] in ("hit", "miss")
        assert not result.annotations() or all(each.command == "notice" for each in result.annotations())
        return result

    def _folder(self) -> Path:
        folder = self.project.folder / ".github" / "workflows"
        folder.mkdir(parents=True)
        return folder


@pytest.fixture
def case(act: Act, project: Project, warm_runner: Runner, image: str, name: str, gha_cache: GhaCache) -> Case:
    return Case(
        act=act,
        project=project,
        runner=warm_runner,
        variables={"IMAGE": image, "NAME": name},
        environ=gha_cache.environment(),
    )


@pytest.fixture
def locked_registry(engine: Engine, case: Case) -> Iterator[LockedRegistry]:
    with LockedRegistry(engine.registry, "ci", PASSWORD) as registry:
        case.variables.update(REGISTRY=registry.address, REGISTRY_USER=registry.user)
        case.secrets.update(REGISTRY_PASSWORD=registry.password)
        yield registry


@pytest.mark.parametrize("name", NAMES)
def test_workflow__differs_from_the_one_before_as_told(name: str) -> None:
    before = (WORKFLOWS / f"{name}.before.yml").read_text()
    headline, after = (WORKFLOWS / f"{name}.yml").read_text().split("\n", 1)
    changed = before.replace("docker/build-push-action@v6", "org/pycache-action@v1")
    assert changed != before
    assert (changed == after) == headline.endswith(": nothing else.")


def test_workflows__readme_tells_what_each_needed() -> None:
    headlines = [(WORKFLOWS / f"{name}.yml").read_text().splitlines()[0].removeprefix("# ") for name in NAMES]
    rows = {
        f"| {what} | {need[:1].upper()}{need[1:]} |" for what, _, need in (line.partition(": ") for line in headlines)
    }
    _, _, section = README.read_text().partition("<!-- workflows -->")
    _, _, *table = section.partition("<!-- /workflows -->")[0].strip().splitlines()
    assert set(table) == rows


def test_workflows__actionlint_accepts_them(engine: Engine, act: Act) -> None:
    """`act` is asked for so that actionlint is there."""
    actionlint = engine.state.bin / "actionlint"
    done = subprocess.run(
        [actionlint, *sorted(WORKFLOWS.glob("*.yml"))], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_build(case: Case, gha_cache: GhaCache) -> None:
    result = case.run("build")
    assert gha_cache.entries
    assert result.outputs()["cache-hit"] == "false"


def test_login(case: Case, locked_registry: LockedRegistry) -> None:
    result = case.run("login")
    assert result.outputs()["digest"].startswith("sha256:")
    pushed = [each for each in locked_registry.requests if each.method == "PUT" and "/manifests/" in each.path]
    assert pushed
    assert PASSWORD not in result.wire


def test_shared_login(case: Case, locked_registry: LockedRegistry) -> None:
    case.run("shared-login")


def test_login__forgotten_is_told_before_the_build(case: Case) -> None:
    text = (WORKFLOWS / "login.before.yml").read_text().replace("docker/build-push-action@v6", "org/pycache-action@v1")
    text = re.sub(r"(?s)      - uses: docker/login-action.*?(?=      - id: build)", "", text)
    case.project.write(".github/workflows/image.yml", text)
    case.variables["REGISTRY"] = "registry.example.com"
    result = case.act.run(case.project.push(), case.runner, environ=case.environ, variables=case.variables)
    assert not result.ok
    [annotation] = result.annotations()
    assert "registry: registry.example.com" in annotation.argument
    assert "username:" in annotation.argument
    assert "password:" in annotation.argument
    assert "Built" not in result.log()


@pytest.fixture
def _end_builders(docker: Callable[..., str]) -> Iterator[None]:
    """Builders that a workflow made go with its runner, which here is the engine of all tests."""
    yield
    for container in docker("ps", "--all", "--quiet", "--filter", "name=buildx_buildkit_builder-").split():
        docker("rm", "--force", "--volumes", container)


@pytest.mark.usefixtures("_end_builders")
def test_setup_buildx(case: Case) -> None:
    result = case.run("setup-buildx")
    builder = result.outputs("buildx")["name"]
    assert f'"{builder}' in result.outputs()["metadata"]  # buildx.build.ref says which builder it was


@pytest.mark.usefixtures("_end_builders")
def test_platforms(case: Case, docker: Callable[..., str]) -> None:
    case.run("platforms")
    index = docker("buildx", "imagetools", "inspect", case.variables["IMAGE"])
    assert "linux/amd64\n" in index
    assert "linux/amd64/v2" in index


def test_build_args(case: Case, session: Session, name: str, read_image: Callable[[str], dict[str, Any]]) -> None:
    case.project.write("Dockerfile", "FROM scratch\nRUN the wrong one\n")
    case.project.write(
        "docker/web.Dockerfile",
        f"FROM {session.base} AS runtime\nARG VERSION\nARG GREETING\n"
        "ENV VERSION=$VERSION GREETING=$GREETING PIP_NO_INDEX=0\n"
        f"ENV PROJECT={name}\n"
        "COPY requirements.txt .\n"
        'RUN --mount=type=secret,id=two-lines test "$(cat /run/secrets/two-lines)" = "$(printf \'first\\nsecond\')"\n'
        "RUN --mount=type=secret,id=pip-conf,target=/etc/pip.conf pip install -r requirements.txt\n"
        "FROM runtime AS other\nRUN false\n",
    )
    with PackageIndex(in_builds=True, credentials=("team", "index-p4ss")) as index:
        index.add_wheel("omega", "1.0")
        case.project.write("requirements.txt", "omega==1.0\n")
        address = index.with_credentials(index.url_in_builds)
        case.secrets["PIP_CONF"] = (
            f"[global]\nno-index = false\nindex-url = {address}\ntrusted-host = {index.host_in_builds}\n"
        )
        result = case.run("build-args")
    config = read_image(case.variables["IMAGE"])["config"]
    assert {"VERSION=1.2.3", "GREETING=hello, world"} <= set(config["Env"])
    assert "index-p4ss" not in result.wire


def test_metadata(case: Case, docker: Callable[..., str], read_image: Callable[[str], dict[str, Any]]) -> None:
    result = case.run("metadata")
    sha = case.project.git("rev-parse", "HEAD").strip()
    labels = read_image(f"{case.variables['IMAGE']}:sha-{sha[:7]}")["config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "A project, with a comma"
    assert labels["org.opencontainers.image.revision"] == sha
    assert result.outputs()["digest"] in docker("buildx", "imagetools", "inspect", f"{case.variables['IMAGE']}:main")


def test_no_checkout(case: Case, tmp_path: Path) -> None:
    bare = tmp_path / "git" / f"{REPOSITORY}.git"
    with ExitStack() as stack:
        host = stack.enter_context(GitHost(tmp_path / "git", TOKEN))
        case.environ["GITHUB_SERVER_URL"] = host.url
        case.project.commit()
        bare.parent.mkdir(parents=True)
        # What is committed later is there too: the bare repository borrows the project's objects.
        bare.symlink_to(case.project.folder / ".git")
        result = case.run("no-checkout")
    assert result.outputs()["digest"].startswith("sha256:")
    assert "requirements.txt" in result.log()


def test_load(case: Case, session: Session, name: str, docker: Callable[..., str]) -> None:
    case.project.write("Dockerfile", DOCKERFILE.format(base=session.base, name=name))
    try:
        result = case.run("load")
    finally:
        docker("image", "rm", "--force", f"{name}:test")
    assert "alpha 1.0" in result.log("try")
    assert result.outputs("test")["cache-hit"] == "false"
    assert result.outputs("test")["imageid"].startswith("sha256:")
    assert result.outputs("build")["cache-hit"] == "true"
