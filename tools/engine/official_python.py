"""A stand-in for `python:3.13-slim` that is laid out like Docker's: CPython as released, in /usr/local, on Debian.

The stand-in for 3.11 is Debian's own Python, in /usr, whose packages live in `dist-packages`. Docker's images have
`/usr/local/lib/python3.13/site-packages`; what moves installed files about is to be tested with both.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tools.engine.packages import CERTIFICATES, SYSTEM_REVISION, Suite, install_system
from tools.engine.seed import PYTHON_SUITE, Seed
from tools.engine.steps import EngineError

if TYPE_CHECKING:
    from pathlib import Path

    from tools.engine.state import State

NAME = "library/python:3.13-slim"
SOURCE_SUITE = "trixie"  # the Debian release that keeps the source of CPython 3.13
SOURCE_PACKAGE = "python3.13"
DEBIAN_PACKAGES = ("?essential", "apt", "debian-archive-keyring", "ca-certificates")
DOCKERFILE = f"""\
FROM python:3.11-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends xz-utils gcc make libc6-dev \\
    libbz2-dev libffi-dev liblzma-dev libsqlite3-dev libssl-dev zlib1g-dev
ADD source.tar.xz /source/
# not optimised: what it runs here is pip
RUN cd /source/* && ./configure --disable-test-modules CFLAGS='-O1 -g0' && make -j"$(nproc)" && make install
RUN cd /usr/local/lib/python3.13 && rm -rf idlelib config-3.13-* turtledemo \\
 && find . -name __pycache__ -prune -exec rm -rf {{}} + \\
 && for name in python pip pydoc; do ln -sf "$name"3 "/usr/local/bin/$name"; done

FROM debian:{PYTHON_SUITE}-slim
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \\
    PIP_CERT={CERTIFICATES} SSL_CERT_FILE={CERTIFICATES}
RUN apt-get update \\
 && apt-get install --yes --no-install-recommends libbz2-1.0 libffi8 liblzma5 libsqlite3-0 libssl3 zlib1g \\
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin /usr/local/bin
COPY --from=build /usr/local/lib /usr/local/lib
COPY --from=build /usr/local/include /usr/local/include
CMD ["python3"]
"""


def write_debian(state: State, root: Path) -> None:
    suite = Suite(PYTHON_SUITE, state.path / "apt-debian", state.log("apt-debian"))
    install_system(suite.fetch(DEBIAN_PACKAGES), root, suite)
    shutil.rmtree(suite.work)


def write_context(state: State, context: Path) -> None:
    """Fills `context` with CPython's released source, as Debian keeps it unchanged, and the Dockerfile."""
    suite = Suite(SOURCE_SUITE, state.path / "apt-source", state.log("apt-source"))
    downloaded = suite.fetch_source(SOURCE_PACKAGE)
    originals = [path for path in downloaded if path.name.endswith(".orig.tar.xz")]
    if len(originals) != 1:
        raise EngineError(f"Debian {SOURCE_SUITE} has no .orig.tar.xz of {SOURCE_PACKAGE}")
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir(parents=True)
    originals[0].rename(context / "source.tar.xz")
    (context / "Dockerfile").write_text(DOCKERFILE)
    shutil.rmtree(suite.work)


DEBIAN = Seed(f"library/debian:{PYTHON_SUITE}-slim", write_debian, {"Cmd": ["bash"]}, lambda _state: SYSTEM_REVISION)
