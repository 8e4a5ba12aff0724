from __future__ import annotations

import base64
import csv
import hashlib
import io
import tarfile
import zipfile

import pytest
from tests.support.distributions import Distribution, make_sdist, make_wheel


def unpack(wheel: Distribution) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_make_wheel__same_arguments_same_bytes() -> None:
    first = make_wheel("demo", "1.0", files={"demo.py": "x = 1\n"}, requires=["six"])
    second = make_wheel("demo", "1.0", files={"demo.py": "x = 1\n"}, requires=["six"])
    assert first.content == second.content


def test_make_wheel__record_lists_every_file_with_its_digest_and_size() -> None:
    files = unpack(
        make_wheel(
            "demo",
            "1.0",
            files={"demo.py": "x = 1\n", "demo-data/a,b.txt": b"\x00"},
            data={"scripts/tool": "#!python\n"},
        )
    )
    rows = list(csv.reader(io.StringIO(files["demo-1.0.dist-info/RECORD"].decode())))
    assert {row[0] for row in rows} == set(files)
    for path, digest, size in rows:
        if path == "demo-1.0.dist-info/RECORD":
            assert (digest, size) == ("", "")
            continue
        expected = base64.urlsafe_b64encode(hashlib.sha256(files[path]).digest()).rstrip(b"=").decode()
        assert (digest, size) == (f"sha256={expected}", str(len(files[path])))


def test_make_wheel__metadata_says_what_was_asked_for() -> None:
    wheel = make_wheel("My.Demo", "1.0", requires=["six>=1"], extras={"socks": ["pysocks"]}, python=">=3.8")
    assert wheel.filename == "my_demo-1.0-py3-none-any.whl"
    assert wheel.name == "my-demo"
    assert wheel.metadata.decode().splitlines() == [
        "Metadata-Version: 2.1",
        "Name: My.Demo",
        "Version: 1.0",
        "Requires-Python: >=3.8",
        "Requires-Dist: six>=1",
        "Provides-Extra: socks",
        'Requires-Dist: pysocks; extra == "socks"',
    ]


def test_make_wheel__default_file_is_a_module_with_its_version() -> None:
    assert unpack(make_wheel("my-demo", "2.1"))["my_demo/__init__.py"] == b'__version__ = "2.1"\n'


def test_make_wheel__no_files_leaves_metadata_only() -> None:
    assert all(".dist-info/" in path for path in unpack(make_wheel("demo", "1.0", files={})))


@pytest.mark.parametrize(("tag", "purelib"), [("py3-none-any", "true"), ("cp311-cp311-manylinux_2_17_x86_64", "false")])
def test_make_wheel__tag(tag: str, purelib: str) -> None:
    wheel = make_wheel("demo", "1.0", tag=tag)
    assert wheel.filename == f"demo-1.0-{tag}.whl"
    assert f"Root-Is-Purelib: {purelib}\nTag: {tag}\n" in unpack(wheel)["demo-1.0.dist-info/WHEEL"].decode()


def test_make_wheel__scripts_become_entry_points() -> None:
    files = unpack(make_wheel("demo", "1.0", scripts={"demo": "demo:main"}))
    assert files["demo-1.0.dist-info/entry_points.txt"] == b"[console_scripts]\ndemo = demo:main\n"


def test_make_sdist__same_arguments_same_bytes() -> None:
    assert make_sdist("demo", "1.0").content == make_sdist("demo", "1.0").content


def test_make_sdist__holds_what_pip_needs() -> None:
    sdist = make_sdist("My.Demo", "1.0", build_requires=["six"], build_imports=["six"])
    assert sdist.filename == "my_demo-1.0.tar.gz"
    with tarfile.open(fileobj=io.BytesIO(sdist.content)) as archive:
        assert {"my_demo-1.0/PKG-INFO", "my_demo-1.0/pyproject.toml"} <= set(archive.getnames())
        backend = archive.extractfile("my_demo-1.0/backend.py")
        assert backend is not None
        assert backend.read().startswith(b"import six\n")
