"""The small projects whose builds are recorded, and how each is built: the same for recording and replay."""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pycache_action.buildx.client import Buildx
from pycache_action.buildx.options import Surroundings, build_command, save_command
from pycache_action.cache.backend import choose_backend, parse_cache
from pycache_action.cache.naming import Branches
from pycache_action.inputs import Inputs
from pycache_action.job import Job
from tests.support.distributions import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pycache_action.buildx.command import BuildCommand
    from pycache_action.buildx.trace import Trace
    from pycache_action.process import Processes

REGISTRY = "localhost:5999"
"""The registry of recordings: caches and images go there."""
PROXY = "127.0.0.1:5998"
"""What stands for the faulty way to that registry, whose port is another one each time."""
HELPER = "docker-image://busybox:1.37"

PIP = """\
FROM python:3.11-slim
ENV PIP_ROOT_USER_ACTION=ignore PIP_BREAK_SYSTEM_PACKAGES=1
WORKDIR /app
COPY requirements.txt .
RUN --mount=type=bind,source=wheels,target=/wheels \\
    pip install --no-cache-dir --no-index --find-links=/wheels -r requirements.txt
COPY app.py .
"""
SOURCE_LAST = PIP + "RUN python -m compileall -q app.py\n"
VENV = """\
FROM python:3.11-slim AS builder
RUN python -m venv --without-pip /venv
WORKDIR /src
COPY requirements.txt .
RUN --mount=type=bind,source=wheels,target=/wheels \\
    pip --python /venv/bin/python install --no-cache-dir --no-index --find-links=/wheels -r requirements.txt

FROM python:3.11-slim
COPY --from=builder /venv /venv
COPY app.py .
"""
STATIC = "FROM scratch\nCOPY app.py /app.py\n"
REQUIREMENTS = "alpha==1.0\nbeta>=1,<2\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A web shop, as far as a build is concerned."""

    dockerfile: str = PIP
    requirements: str = REQUIREMENTS
    source: str = "import alpha\n"
    inputs: dict[str, object] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Lay the project into a folder; modes are fixed, because they are part of what a cache is keyed by."""
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "Dockerfile", self.dockerfile.encode())
        _write(folder / "requirements.txt", self.requirements.encode())
        _write(folder / "app.py", self.source.encode())
        (folder / "wheels").mkdir(exist_ok=True)
        ballast = random.Random(0).randbytes(400_000)
        for wheel in (
            make_wheel("alpha", "1.0", requires=["delta"]),
            make_wheel("beta", "1.4", files={"beta/__init__.py": "", "beta/ballast.bin": ballast}),
            make_wheel("gamma", "2.0"),
            make_wheel("delta", "0.3"),
        ):
            _write(folder / "wheels" / wheel.filename, wheel.content)

    def make_inputs(self) -> Inputs:
        return Inputs.from_values({"scope": "shop", "context": ".", **self.inputs})


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    file.chmod(0o644)


def make_job(shop: Shop, *, cache: str = f"registry,ref={REGISTRY}/cache", branches: Sequence[str] = ("main",)) -> Job:
    """A push of the project's image to the registry, from a job on the first of these branches."""
    inputs = shop.make_inputs()
    backend = choose_backend(parse_cache(cache), environ={}, cache_ref="", folder=Path())
    return Job(
        inputs=inputs,
        surroundings=Surroundings(builder="default", skip_unpack=True),
        backend=backend,
        branches=Branches(own=branches[0], readable=tuple(branches)),
        image="shop",
        helper=HELPER,
    )


def make_buildx(processes: Processes, environment: dict[str, str] | None = None) -> Buildx:
    return Buildx(program=("docker", "buildx"), processes=processes, environment=environment or {}, builder="default")


def build_shop(shop: Shop, imports: Sequence[str], metadata_file: Path) -> BuildCommand:
    """The build alone, with these caches."""
    surroundings = Surroundings(builder="default", skip_unpack=True, metadata_file=metadata_file)
    return build_command(shop.make_inputs(), surroundings, cache_from=imports)


def save_shop(shop: Shop, exports: Sequence[str], metadata_file: Path) -> BuildCommand:
    """The save alone, to these caches."""
    surroundings = Surroundings(builder="default", skip_unpack=True, metadata_file=metadata_file)
    return save_command(shop.make_inputs(), surroundings, cache_to=exports)


class Quiet:
    """A log that is only kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.traces: list[Trace] = []

    @contextlib.contextmanager
    def stage(self, title: str) -> Iterator[None]:
        self.lines.append(f"# {title}")
        yield

    def say(self, text: str) -> None:
        self.lines.append(text)

    def update(self, trace: Trace) -> None:
        self.traces.append(trace)
