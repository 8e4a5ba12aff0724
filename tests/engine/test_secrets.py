"""No secret stands in a command line, the log, the report or what is kept in the cache."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.engine.harness import find_children
from tests.support.gha_cache import GhaCache

if TYPE_CHECKING:
    from tests.engine.conftest import Session
    from tests.engine.harness import Product, Project

SECRET = "s3cret-of-the-build"
PASSWORD = "p4ssword-of-the-index"
ARGUMENT = "v4lue-of-the-argument"
DOCKERFILE = """\
FROM {base}
ARG INDEX
ENV PROJECT={name}
COPY requirements.txt .
RUN --mount=type=secret,id=TOKEN test -s /run/secrets/TOKEN
RUN pip install -r requirements.txt
"""


class CommandLines:
    """Everything that the processes below `pid` have in their command lines while the block lasts."""

    def __init__(self, pid: int) -> None:
        self.seen: set[str] = set()
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.is_set():
            for pid in find_children(self._pid):
                try:
                    self.seen.add(Path(f"/proc/{pid}/cmdline").read_text(errors="replace"))
                except OSError:
                    continue
            time.sleep(0.02)


def test_build__secrets_stay_secret(project: Project, session: Session, name: str, pycache: Product) -> None:
    project.write("Dockerfile", DOCKERFILE.format(base=session.base, name=name))
    project.write("requirements.txt", f"--extra-index-url https://user:{PASSWORD}@index.invalid/simple\nalpha==1.0\n")
    report = pycache.folder / "report.json"
    with GhaCache() as service:
        environ = service.environment()
        token = environ["ACTIONS_RUNTIME_TOKEN"]
        product = pycache.on(environ)
        process = product.start(
            *("build", str(project.folder), "--cache", "gha", "--output", "type=cacheonly", "--report", str(report)),
            *("--secrets", f"TOKEN={SECRET}", "--build-arg", f"INDEX=https://user:{ARGUMENT}@index.invalid"),
        )
        with CommandLines(process.pid) as lines:
            output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        kept = b"".join(service.blobs[entry.id].content or b"" for entry in service.entries)
        manifest = product.store("gha").fetch_document(f"{json.loads(report.read_text())['scope']}.laptop.manifest")
    assert any("--cache-to" in line for line in lines.seen)
    assert isinstance(manifest, str)
    for secret in (SECRET, PASSWORD, ARGUMENT, token):
        assert not any(secret in line for line in lines.seen), "in a command line"
        assert secret not in output
        assert secret not in report.read_text()
        assert secret not in manifest
        assert secret.encode() not in kept
