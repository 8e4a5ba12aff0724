from __future__ import annotations

import os
import subprocess
import venv
from typing import TYPE_CHECKING

import pytest
import requests
from tests.support.package_index import PackageIndex

if TYPE_CHECKING:
    from pathlib import Path

JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with pip of its own and nothing else."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=True)
    return home / "bin" / "python"


def install(python: Path, target: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # isolated: this machine's pip configuration (an index, a cache) must not decide the test
    command = [str(python), "-m", "pip", "--isolated", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--cache-dir", str(target / "cache"), "--target", str(target / "site"), *arguments]
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


def installed(target: Path) -> set[str]:
    return {path.name.removesuffix(".dist-info") for path in (target / "site").glob("*.dist-info")}


@pytest.mark.real_processes
def test_pip__resolves_requirements_and_extras(python: Path, tmp_path: Path) -> None:
    with PackageIndex() as index:
        index.add_wheel("six", "1.0")
        index.add_wheel("six", "2.0")
        index.add_wheel("pysocks", "1.7")
        index.add_wheel(
            "My.Demo", "1.0", requires=["six<2"], extras={"socks": ["PySocks"]}, scripts={"demo": "my_demo:main"}
        )
        done = install(python, tmp_path, "--index-url", index.url, "my_demo[socks]")
        assert done.returncode == 0, done.stderr
        assert installed(tmp_path) == {"six-1.0", "my_demo-1.0", "pysocks-1.7"}
        assert sorted(index.downloads) == [
            "my_demo-1.0-py3-none-any.whl",
            "pysocks-1.7-py3-none-any.whl",
            "six-1.0-py3-none-any.whl",
        ]


@pytest.mark.real_processes
def test_pip__builds_an_sdist_without_a_network(python: Path, tmp_path: Path) -> None:
    with PackageIndex() as index:
        index.add_sdist("demo", "1.0", files={"demo.py": "built = True\n"})
        done = install(python, tmp_path, "--index-url", index.url, "demo")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "site" / "demo.py").read_text() == "built = True\n"


@pytest.mark.real_processes
def test_pip__credentials(python: Path, tmp_path: Path) -> None:
    with PackageIndex(credentials=("user", "p@ss/word")) as index:
        index.add_wheel("demo", "1.0")
        refused = install(python, tmp_path / "refused", "--index-url", index.url, "demo")
        assert refused.returncode != 0
        done = install(python, tmp_path, "--index-url", index.with_credentials(index.url), "demo")
        assert done.returncode == 0, done.stderr


@pytest.mark.real_processes
def test_pip__find_links_needs_no_server(python: Path, tmp_path: Path) -> None:
    index = PackageIndex()
    with index:
        index.add_wheel("demo", "1.0", requires=["six"])
        index.add_sdist("six", "1.0")
        index.write_find_links(tmp_path / "wheels")
    done = install(python, tmp_path, "--no-index", "--find-links", str(tmp_path / "wheels"), "demo")
    assert done.returncode == 0, done.stderr
    assert index.requests == []


@pytest.mark.parametrize(("cache_control", "downloads"), [("", 2), ("max-age=3600", 1)])
@pytest.mark.real_processes
def test_pip__keeps_what_may_be_cached(python: Path, tmp_path: Path, cache_control: str, downloads: int) -> None:
    with PackageIndex(cache_control=cache_control) as index:
        index.add_wheel("demo", "1.0")
        options = [
            "--index-url",
            index.url,
            "--trusted-host",
            "127.0.0.1",
        ]  # pip trusts no plain HTTP to its cache otherwise
        for _ in range(2):
            done = install(python, tmp_path, "--upgrade", "--force-reinstall", *options, "demo")
            assert done.returncode == 0, done.stderr
        assert len(index.downloads) == downloads


def test_pages__html_and_json_say_the_same() -> None:
    with PackageIndex() as index:
        demo = index.add_wheel("demo", "1.0", python=">=3.8,<4")
        index.yank("Demo", "1.0")
        page = requests.get(f"{index.url}demo/", timeout=5)
        assert 'data-requires-python="&gt;=3.8,&lt;4"' in page.text
        assert 'data-yanked=""' in page.text
        (file,) = requests.get(f"{index.url}demo/", headers=JSON, timeout=5).json()["files"]
        assert file["requires-python"] == ">=3.8,<4"
        assert file["yanked"] is True
        assert f"{file['url']}#sha256={file['hashes']['sha256']}" in page.text
        assert requests.get(f"{index.url}../{file['url']}.metadata", timeout=5).content == demo.metadata
        assert requests.get(index.url, headers=JSON, timeout=5).json()["projects"] == [{"name": "demo"}]


def test_pages__name_is_normalised_by_redirect() -> None:
    with PackageIndex() as index:
        index.add_wheel("my-demo", "1.0")
        answer = requests.get(f"{index.url}My_Demo/", timeout=5)
        assert (answer.status_code, answer.url) == (200, f"{index.url}my-demo/")


@pytest.mark.parametrize(
    "path", ["simple/absent/", "files/absent.whl", "files/demo-1.0.tar.gz.metadata", "", "../etc/passwd"]
)
def test_pages__absent(path: str) -> None:
    with PackageIndex() as index:
        index.add_sdist("demo", "1.0")
        assert requests.get(f"{index.url}../{path}", timeout=5).status_code == 404


def test_remove__takes_the_project_off() -> None:
    with PackageIndex() as index:
        index.add_wheel("demo", "1.0")
        index.remove("Demo")
        assert requests.get(f"{index.url}demo/", timeout=5).status_code == 404


def test_url_in_builds__must_be_asked_for() -> None:
    with PackageIndex() as index, pytest.raises(ValueError, match="in_builds=True"):
        _ = index.url_in_builds
