"""Every example is built with `pycache build` on a new runner, then run and asked something."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tools.engine import ensure_engine, fresh_runner

from pycache_action.defaults import DEFAULTS_FILE, read_defaults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXAMPLES = Path(__file__).parents[2] / "examples"
BUILDING = sorted(path.parent.name for path in EXAMPLES.glob("*/Dockerfile"))
PYCACHE = Path(sys.executable).with_name("pycache")
START_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An example that was built, and the environment for `docker` to find its image."""

    name: str
    tag: str
    report: Mapping[str, Any]
    environ: Mapping[str, str]


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
    name = request.param
    tag = f"pycache-example-{name}"
    report = tmp_path_factory.mktemp("report") / "report.json"
    builder = ("--builder", runner_environ["BUILDX_BUILDER"]) if "BUILDX_BUILDER" in runner_environ else ()
    built = subprocess.run(
        [PYCACHE, "build", EXAMPLES / name, "--tag", tag, "--load", "--report", report, *builder],
        env=runner_environ,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    example = Example(name=name, tag=tag, report=json.loads(report.read_text()), environ=runner_environ)
    yield example
    docker(example, "image", "rm", "--force", tag)


def test_example__first_build_installs_and_says_why(example: Example) -> None:
    assert example.report["result"] == "miss"
    (step,) = example.report["install_steps"]
    assert "pip install" in step["instruction"]
    assert [cause["id"] for cause in step["causes"]] == ["no-previous-build"]


def test_example__is_understood(example: Example) -> None:
    wanted = (EXAMPLES / example.name / "requirements.txt").read_text().splitlines()
    assert example.report["warnings"] == []
    (step,) = example.report["install_steps"]
    assert step["packages"]["installed"] >= sum("==" in line for line in wanted)


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
            case _:
                pass


def test_example__runs_without_root(example: Example) -> None:
    assert docker(example, "run", "--rm", example.tag, "id", "-u") != "0"


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()))
def test_example__has_all_a_reader_needs(name: str) -> None:
    folder = EXAMPLES / name
    assert (folder / "README.md").read_text().startswith(f"# examples/{name}\n")
    assert list(folder.glob(".github/workflows/*.yml"))
    assert (folder / ".dockerignore").exists()


def test_reusable__defaults_file_is_accepted() -> None:
    file = EXAMPLES / "reusable" / DEFAULTS_FILE

    assert set(read_defaults(file)) == set(yaml.safe_load(file.read_text()))


@contextlib.contextmanager
def run_container(example: Example) -> Iterator[str]:
    """The address of a container of the example's image; it answers when this begins, and is gone when it ends."""
    container = docker(example, "run", "--detach", "--publish", "127.0.0.1::8000", example.tag)
    try:
        address = docker(example, "port", container, "8000/tcp")
        await_answer(f"http://{address}/healthz")
        yield f"http://{address}"
    finally:
        docker(example, "rm", "--force", container)


def docker(example: Example, *arguments: str) -> str:
    ran = subprocess.run(["docker", *arguments], env=example.environ, capture_output=True, text=True, check=False)
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
