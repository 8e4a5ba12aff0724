"""Every example is built with `pycache build` on a new runner, then run and asked something."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.support.distributions import Distribution, make_wheel
from tests.support.package_index import PackageIndex
from tools.engine import ensure_engine, fresh_runner

from pycache_action.defaults import DEFAULTS_FILE, read_defaults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXAMPLES = Path(__file__).parents[2] / "examples"
# The others are built from many packages of the real index, one build after the other: `make slow`.
QUICK = ("multi-stage", "pip", "reusable")
BUILDING = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in sorted(str(path.parent.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("Dockerfile"))
]
PYCACHE = Path(sys.executable).with_name("pycache")
START_SECONDS = 30
INDEX_OF_README = "https://packages.example.com/simple/"
INDEX_PASSWORD = "index-p4ss"
PYPI = "https://pypi.org/simple/"

# An older release of one package, as the tool itself writes it into the lock: what is replaced, and by what.
OTHER_RELEASES = {
    "uv": {
        '"segno"\nversion = "1.6.6"': '"segno"\nversion = "1.6.1"',
        "1c/2e/b396f750c53f570055bf5a9fc1ace09bed2dff013c73b7afec5702a581ba/segno-1.6.6.tar.gz": (
            "5d/74/3896e205306a1b43d6b88326e5838572d97b4b74df8c9cd11acfcd9db503/segno-1.6.1.tar.gz"
        ),
        "e60933afc4b52137d323a4434c8340e0ce1e58cec71439e46680d4db188f11b3": (
            "f23da78b059251c36e210d0cf5bfb1a9ec1604ae6e9f3d42f9a7c16d306d847e"
        ),
        "d6/02/12c73fd423eb9577b97fc1924966b929eff7074ae6b2e15dd3d30cb9e4ae/segno-1.6.6-": (
            "27/7c/abc460494640767edfce9c920da3e03df22327fc5e3d51c7857f50fd89c4/segno-1.6.1-"
        ),
        "28c7d081ed0cf935e0411293a465efd4d500704072cdb039778a2ab8736190c7": (
            "e90c6ff82c633f757a96d4b1fb06cc932589b5237f33be653f52252544ac64df"
        ),
    },
    "poetry": {
        '"waitress"\nversion = "3.0.2"': '"waitress"\nversion = "3.0.1"',
        "waitress-3.0.2-py3": "waitress-3.0.1-py3",
        "c56d67fd6e87c2ee598b76abdd4e96cfad1f24cacdea5078d382b1f9d7b5ed2e": (
            "26cdbc593093a15119351690752c99adc13cbc6786d75f7b6341d1234a3730ac"
        ),
        "waitress-3.0.2.tar.gz": "waitress-3.0.1.tar.gz",
        "682aaaf2af0c44ada4abfb70ded36393f0e307f4ab9456a215ce0020baefc31f": (
            "ef0c1f020d9f12a515c4ec65c07920a702613afcad1dbfdc3bcec256b6c072b3"
        ),
    },
}
# A release of the project itself, as `uv version` and `poetry version` write it, by file.
OWN_RELEASES = {
    "uv": {
        "pyproject.toml": ('version = "1.4.0"', 'version = "1.5.0"'),
        "uv.lock": ('"qr"\nversion = "1.4.0"', '"qr"\nversion = "1.5.0"'),
    },
    "poetry": {"pyproject.toml": ('version = "2.1.0"', 'version = "2.2.0"')},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An example that was built: `name` is the Dockerfile's folder, `folder` what was built, with these options.

    `environ` is the environment in which `docker` finds its image.
    """

    name: str
    folder: Path
    options: tuple[str, ...]
    tag: str
    report: Mapping[str, Any]
    output: str
    environ: Mapping[str, str]

    @property
    def project_steps(self) -> list[dict[str, Any]]:
        """The install steps but those that install an installer."""
        return [step for step in self.report["install_steps"] if not re.search(r"(uv|poetry)==", step["instruction"])]


@pytest.fixture(scope="module")
def runner_environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    engine = ensure_engine()
    with fresh_runner(engine) as runner:
        yield {
            **os.environ,
            **engine.environ,
            **runner.environ,
            "PYCACHE_HELPER": os.environ.get("PYCACHE_HELPER", "docker-image://busybox:1.37"),
            "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
        }


@pytest.fixture(scope="module", params=BUILDING)
def example(
    request: pytest.FixtureRequest, runner_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Example]:
    name: str = request.param
    tag = f"pycache-example-{name.replace('/', '-')}"
    with prepared(name, tmp_path_factory.mktemp("example"), runner_environ) as (folder, options):
        built, report = build(folder, tag, runner_environ, *options)
        assert built.returncode == 0, built.stdout + built.stderr
        example = Example(
            name=name,
            folder=folder,
            options=options,
            tag=tag,
            report=report,
            output=built.stdout + built.stderr,
            environ=runner_environ,
        )
        yield example
        docker(example.environ, "image", "rm", "--force", tag)


@contextlib.contextmanager
def prepared(name: str, work: Path, environ: Mapping[str, str]) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """A copy of the example as its reader would have it, and the options its README gives."""
    project, _, inside = name.partition("/")
    folder = Path(shutil.copytree(EXAMPLES / project, work / project))
    match name:
        case "private-index":
            with PackageIndex(credentials=("ci", INDEX_PASSWORD), in_builds=True) as index:
                fill(index)
                edit(
                    folder / "requirements.txt",
                    {INDEX_OF_README: f"{index.url_in_builds}\n--trusted-host {index.host_in_builds}"},
                )
                netrc = work / "netrc"
                netrc.write_text(f"machine {index.host_in_builds} login ci password {INDEX_PASSWORD}\n")
                yield folder, ("--secret-files", f"netrc={netrc}")
        case "poetry":
            # Poetry believes the certificates it brought along; where the image was told of others, it must be told too.
            yield folder, ("--build-context", f"python:3.11-slim={push_base(work, environ)}")
        case _:
            yield folder, (("--file", str(folder / inside / "Dockerfile")) if inside else ())


def push_base(work: Path, environ: Mapping[str, str]) -> str:
    base = f"{ensure_engine().registry}/examples/python:3.11-slim"
    (work / "Dockerfile").write_text("FROM python:3.11-slim\nENV REQUESTS_CA_BUNDLE=$SSL_CERT_FILE\n")
    docker(environ, "buildx", "build", "--quiet", "--push", "--tag", base, "--file", f"{work}/Dockerfile", str(work))
    return f"docker-image://{base}"


def fill(index: PackageIndex) -> None:
    """What the company's index has: a package of its own, and what it takes from PyPI."""
    index.add(make_wheel("acme-tax-rates", "2026.1", files={"acme_tax_rates/__init__.py": 'RATES = {"DE": "19"}\n'}))
    for name, version in (("bottle", "0.13.4"), ("waitress", "3.0.2")):
        page = urllib.request.Request(f"{PYPI}{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
        with urllib.request.urlopen(page, timeout=60) as answer:
            files = json.load(answer)["files"]
        (file,) = (each for each in files if re.match(rf"{name}-{re.escape(version)}-.*\.whl$", each["filename"]))
        with urllib.request.urlopen(urllib.parse.urljoin(f"{PYPI}{name}/", file["url"]), timeout=60) as answer:
            content = answer.read()
        index.add(
            Distribution(
                filename=file["filename"],
                name=name,
                version=version,
                requires_python=file.get("requires-python") or "",
                content=content,
                metadata=b"",
            )
        )


def build(
    folder: Path, tag: str, environ: Mapping[str, str], *options: str
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """`pycache build` right in the folder, and its report."""
    report = folder.parent / "report.json"
    builder = ("--builder", environ["BUILDX_BUILDER"]) if "BUILDX_BUILDER" in environ else ()
    built = subprocess.run(
        [PYCACHE, "build", ".", "--tag", tag, "--load", "--report", report, *builder, *options],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return built, json.loads(report.read_text()) if report.exists() else {}


def rebuild(example: Example) -> dict[str, Any]:
    """The report of a build that goes well."""
    built, report = build(example.folder, example.tag, example.environ, *example.options)
    assert built.returncode == 0, built.stdout + built.stderr
    return report


def test_example__first_build_installs_and_says_why(example: Example) -> None:
    assert example.project_steps
    for step in example.project_steps:
        assert re.search("pip install|uv sync|poetry install", step["instruction"])
        assert [cause["id"] for cause in step["causes"]] == ["no-previous-build"]


def test_example__is_understood(example: Example) -> None:
    assert example.report["warnings"] == []
    installed = sum(step["packages"]["installed"] for step in example.project_steps)
    requirements = example.folder / "requirements.txt"
    if requirements.exists():
        assert installed >= sum("==" in line for line in requirements.read_text().splitlines())
    else:
        count = "import importlib.metadata as m, sys; print(len(list(m.distributions(path=[sys.path[-1]]))))"
        assert installed == int(docker(example.environ, "run", "--rm", example.tag, "python", "-c", count))


def test_example__answers(example: Example) -> None:
    with run_container(example) as url:
        assert json.loads(fetch(f"{url}/healthz")) == {"status": "ok"}
        match example.name:
            case "pip":
                summary = json.loads(fetch(f"{url}/summary", *as_upload("table", "fruit,kilos\napple,2\npear,4\n")))
                assert summary["rows"] == 2
                assert [(each["name"], each["largest"]) for each in summary["columns"]] == [
                    ("fruit", None),
                    ("kilos", 4.0),
                ]
            case "multi-stage":
                html = fetch(f"{url}/html", b"# Title\n<script>alert(1)</script>", "text/markdown")
                assert "<h1>Title</h1>" in html
                assert "<script>" not in html
            case "uv":
                assert fetch(f"{url}/") == "qr 1.4.0\n"
                assert "<path" in fetch(f"{url}/code?text=hello")
            case "poetry":
                answer = json.loads(fetch(f"{url}/de?from=2025-12-22&to=2025-12-28"))
                assert answer["days"] == 3
                assert list(answer["holidays"]) == ["2025-12-25", "2025-12-26"]
            case "monorepo/apps/shop":
                assert json.loads(fetch(f"{url}/price/apple?pieces=12"))["price"] == "€4.56"
            case "monorepo/apps/invoices":
                with urllib.request.urlopen(f"{url}/invoice", data=b'{"apple": 12, "basket": 1}') as answered:
                    assert answered.read().startswith(b"%PDF-")
            case "private-index":
                assert json.loads(fetch(f"{url}/gross/de?net=10.50")) == {"gross": "12.50"}
            case _:
                pass


def test_example__runs_without_root(example: Example) -> None:
    assert docker(example.environ, "run", "--rm", example.tag, "id", "-u") != "0"


def test_example__rebuild_says_what_changed(example: Example) -> None:
    assert rebuild(example)["result"] == "hit"
    if example.name in OWN_RELEASES:
        expect_own_release_to_change_no_package(example)
    if example.name in OTHER_RELEASES:
        expect_other_release_to_be_named(example)


def expect_own_release_to_change_no_package(example: Example) -> None:
    with contextlib.ExitStack() as stack:
        for file, (old, new) in OWN_RELEASES[example.name].items():
            stack.enter_context(edited(example.folder / file, {old: new}))
        report = rebuild(example)

    assert report["key"] == example.report["key"]
    assert not any(report["dependencies"][kind] for kind in ("added", "removed", "changed"))
    step, cause = first_miss(report)
    assert step["instruction"] == example.project_steps[0]["instruction"]
    assert cause["id"] == "dependency-file-rewritten"
    assert cause["file"] in OWN_RELEASES[example.name]


def expect_other_release_to_be_named(example: Example) -> None:
    lock = f"{example.name}.lock"
    with edited(example.folder / lock, OTHER_RELEASES[example.name]) as text:
        report = rebuild(example)
    before, after = {
        "uv": ("segno==1.6.6", "segno==1.6.1"),
        "poetry": ("waitress==3.0.2", "waitress==3.0.1"),
    }[example.name]

    assert report["key"] != example.report["key"]
    (changed,) = report["dependencies"]["changed"]
    assert (changed["before"], changed["after"], changed["direct"]) == (before, after, True)
    step, cause = first_miss(report)
    assert step["instruction"] == example.project_steps[0]["instruction"]
    assert (cause["id"], cause["file"]) == ("dependencies-changed", lock)
    name, _, version = after.partition("==")
    assert text.splitlines()[cause["line"] - 1 :][:3] == ["[[package]]", f'name = "{name}"', f'version = "{version}"']
    assert name in cause["message"]


def first_miss(report: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first install step that ran, and its one cause."""
    step = next(step for step in report["install_steps"] if not step["cached"])
    (cause,) = step["causes"]
    return step, cause


def test_example__keeps_its_password_to_itself(example: Example) -> None:
    history = docker(example.environ, "history", "--no-trunc", example.tag)
    assert INDEX_PASSWORD not in example.output + json.dumps(example.report) + history
    if example.name != "private-index":
        return
    assert ".netrc" not in docker(example.environ, "run", "--rm", "--user=0", example.tag, "ls", "-A", "/root")
    netrc = Path(example.options[1].removeprefix("netrc="))
    with edited(netrc, {INDEX_PASSWORD: "a-wrong-one"}):
        assert rebuild(example)["result"] == "hit", "a new password installs nothing again"
        with edited(example.folder / "requirements.txt", {"waitress==3.0.2": "waitress==3.0.1"}):
            refused, report = build(example.folder, example.tag, example.environ, *example.options)
    output = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert "401" in output
    assert "a-wrong-one" not in output + json.dumps(report)


@pytest.mark.parametrize("name", ["uv", "poetry"])
def test_key__another_release_of_a_package_counts(name: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(EXAMPLES / name, tmp_path / name))
    before = read_key(folder)

    edit(folder / f"{name}.lock", OTHER_RELEASES[name])

    assert read_key(folder) != before


@pytest.mark.parametrize("name", ["uv", "poetry"])
def test_key__own_release_and_groups_left_out_do_not_count(name: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(EXAMPLES / name, tmp_path / name))
    before = read_key(folder)
    assert before.startswith(f"{name}-")

    for file, (old, new) in OWN_RELEASES[name].items():
        edit(folder / file, {old: new})
    lock = (folder / f"{name}.lock").read_text()
    (pytest_version,) = re.findall(r'name = "pytest"\nversion = "(.*)"', lock)
    edit(folder / f"{name}.lock", {f'"pytest"\nversion = "{pytest_version}"': '"pytest"\nversion = "99.0"'})

    assert read_key(folder) == before


def test_key__of_a_workspace_counts_what_the_application_needs(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(EXAMPLES / "monorepo", tmp_path / "monorepo"))
    dockerfiles = {app: f"--file={folder}/apps/{app}/Dockerfile" for app in ("shop", "invoices")}
    before = {app: read_key(folder, option) for app, option in dockerfiles.items()}

    def changed_by(pattern: str, new: str) -> set[str]:
        text = (folder / "uv.lock").read_text()
        (old,) = re.findall(pattern, text)
        with edited(folder / "uv.lock", {old: new}):
            return {app for app, option in dockerfiles.items() if read_key(folder, option) != before[app]}

    assert changed_by('name = "fpdf2"\nversion = ".*"', 'name = "fpdf2"\nversion = "99.0"') == {"invoices"}
    assert changed_by('name = "flask"\nversion = ".*"', 'name = "flask"\nversion = "99.0"') == {"shop"}
    assert changed_by('name = "babel"\nversion = ".*"', 'name = "babel"\nversion = "99.0"') == {"shop", "invoices"}
    assert changed_by('name = "shop"\nversion = ".*"', 'name = "shop"\nversion = "99.0"') == set()


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.lock")), ids=lambda path: path.parent.name)
def test_lock__names_the_public_index_alone(path: Path) -> None:
    hosts = set(re.findall(r"\w+://([^/\"]+)", path.read_text()))

    assert "pypi.org" in hosts
    assert hosts <= {"pypi.org", "files.pythonhosted.org"}


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()))
def test_example__has_all_a_reader_needs(name: str) -> None:
    folder = EXAMPLES / name
    assert (folder / "README.md").read_text().startswith(f"# examples/{name}\n")
    assert list(folder.glob(".github/workflows/*.yml"))
    assert (folder / ".dockerignore").exists()


def test_reusable__defaults_file_is_accepted() -> None:
    file = EXAMPLES / "reusable" / DEFAULTS_FILE

    assert set(read_defaults(file)) == set(yaml.safe_load(file.read_text()))


def read_key(folder: Path, *options: str) -> str:
    """The key that `pycache key` prints, without the lines that explain it."""
    ran = subprocess.run([PYCACHE, "key", folder, *options], capture_output=True, text=True, check=True)
    assert not ran.stderr
    return ran.stdout.splitlines()[0]


def edit(path: Path, replacements: Mapping[str, str]) -> None:
    """Replaces what must be there exactly once."""
    text = path.read_text()
    for old, new in replacements.items():
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
        text = text.replace(old, new)
    path.write_text(text)


@contextlib.contextmanager
def edited(path: Path, replacements: Mapping[str, str]) -> Iterator[str]:
    """The file's new text; as it was when this ends."""
    before = path.read_text()
    edit(path, replacements)
    try:
        yield path.read_text()
    finally:
        path.write_text(before)


@contextlib.contextmanager
def run_container(example: Example) -> Iterator[str]:
    """The address of a container of the example's image; it answers when this begins, and is gone when it ends."""
    container = docker(example.environ, "run", "--detach", "--publish", "127.0.0.1::8000", example.tag)
    try:
        address = docker(example.environ, "port", container, "8000/tcp")
        await_answer(f"http://{address}/healthz")
        yield f"http://{address}"
    finally:
        docker(example.environ, "rm", "--force", container)


def docker(environ: Mapping[str, str], *arguments: str) -> str:
    ran = subprocess.run(["docker", *arguments], env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def await_answer(url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            fetch(url)
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


def fetch(url: str, body: bytes | None = None, content_type: str = "") -> str:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": content_type} if content_type else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def as_upload(field: str, text: str) -> tuple[bytes, str]:
    """A form with one file, as a browser sends it."""
    head = f'--end\r\nContent-Disposition: form-data; name="{field}"; filename="table.csv"\r\n\r\n'
    return f"{head}{text}\r\n--end--\r\n".encode(), "multipart/form-data; boundary=end"
