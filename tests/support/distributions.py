"""Tiny wheels and sdists, made on the fly; the same arguments give the same bytes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict, Unpack

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WHEELS_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A wheel or an sdist; `name` is canonical, `metadata` is a wheel's METADATA (PEP 658) and empty for an sdist."""

    filename: str
    name: str
    version: str
    requires_python: str
    content: bytes = field(repr=False)
    metadata: bytes = field(repr=False)


class Contents(TypedDict, total=False):
    """What a distribution holds, besides its name and version.

    `requires`: Requires-Dist lines. `extras`: requirements by extra. `files`: content by path; by default one package
    with `__version__`. `scripts`: `module:function` by console script. `data`: content by path under `NAME-VERSION.data`,
    e.g. `scripts/tool` or `data/share/doc/x`. `python`: Requires-Python. `tag`: `py3-none-any` by default.
    """

    requires: Sequence[str]
    extras: Mapping[str, Sequence[str]]
    files: Mapping[str, str | bytes]
    scripts: Mapping[str, str]
    data: Mapping[str, str | bytes]
    python: str
    tag: str


def make_wheel(name: str, version: str, **contents: Unpack[Contents]) -> Distribution:
    """A wheel that pip and uv install (PEP 427), RECORD included."""
    stem = f"{_module(name)}-{version}"
    tag = contents.get("tag", "py3-none-any")
    metadata = _render_metadata(name, version, contents)
    files: dict[str, str | bytes] = dict(
        contents.get("files", {f"{_module(name)}/__init__.py": f'__version__ = "{version}"\n'})
    )
    files |= {f"{stem}.data/{path}": content for path, content in contents.get("data", {}).items()}
    files[f"{stem}.dist-info/METADATA"] = metadata
    files[f"{stem}.dist-info/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {str(tag.endswith('-none-any')).lower()}\nTag: {tag}\n"
    )
    if scripts := contents.get("scripts"):
        lines = [f"{script} = {target}\n" for script, target in scripts.items()]
        files[f"{stem}.dist-info/entry_points.txt"] = "[console_scripts]\n" + "".join(lines)
    return Distribution(
        filename=f"{stem}-{tag}.whl",
        name=canonicalize_name(name),
        version=version,
        requires_python=contents.get("python", ""),
        content=_zip_with_record(
            {path: _encode(content) for path, content in files.items()}, f"{stem}.dist-info/RECORD"
        ),
        metadata=metadata.encode(),
    )


def make_sdist(
    name: str,
    version: str,
    *,
    build_requires: Sequence[str] = (),
    build_imports: Sequence[str] = (),
    **contents: Unpack[Contents],
) -> Distribution:
    """An sdist (PEP 625) whose own build backend makes the wheel of the same arguments, with no network and no setuptools.

    The build fails where one of `build_imports` is not installed: with build isolation, list it in `build_requires`.
    """
    wheel = make_wheel(name, version, **contents)
    stem = f"{_module(name)}-{version}"
    requires = ", ".join(f'"{requirement}"' for requirement in build_requires)
    files = {
        "PKG-INFO": wheel.metadata,
        "pyproject.toml": (
            f'[build-system]\nrequires = [{requires}]\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        ).encode(),
        "backend.py": ("".join(f"import {module}\n" for module in build_imports) + _BACKEND).encode(),
        wheel.filename: wheel.content,
    }
    return Distribution(
        filename=f"{stem}.tar.gz",
        name=wheel.name,
        version=version,
        requires_python=wheel.requires_python,
        content=gzip.compress(_tar({f"{stem}/{path}": content for path, content in files.items()}), mtime=0),
        metadata=b"",
    )


_BACKEND = """\
import pathlib
import shutil


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    (wheel,) = pathlib.Path(__file__).parent.glob("*.whl")
    shutil.copy(wheel, wheel_directory)
    return wheel.name
"""


def _module(name: str) -> str:
    return canonicalize_name(name).replace("-", "_")


def _encode(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _render_metadata(name: str, version: str, contents: Contents) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    if python := contents.get("python"):
        lines.append(f"Requires-Python: {python}")
    lines += [f"Requires-Dist: {requirement}" for requirement in contents.get("requires", ())]
    for extra, requirements in contents.get("extras", {}).items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f'Requires-Dist: {requirement}; extra == "{extra}"' for requirement in requirements]
    return "\n".join(lines) + "\n"


def _zip_with_record(files: Mapping[str, bytes], record: str) -> bytes:
    lines = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{_csv(path)},sha256={digest},{len(content)}\n")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {**files, record: "".join([*lines, f"{record},,\n"]).encode()}.items():
            entry = zipfile.ZipInfo(path, _WHEELS_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if ".data/scripts/" in path else 0o100644) << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def _csv(path: str) -> str:
    return f'"{path}"' if "," in path else path


def _tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
