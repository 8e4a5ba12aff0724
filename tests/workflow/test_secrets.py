"""No secret shows anywhere: one workflow with a secret of every kind, and a search through all it left or let be seen."""

from __future__ import annotations

import gzip
import io
import tarfile
import threading
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.support.gha_cache import GhaCache
from tests.support.gha_token import READ, WRITE
from tests.support.github_api import GitHubApi
from tests.support.package_index import PackageIndex
from tests.workflow.project import PULL_REQUEST
from tests.workflow.servers import LockedRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from tests.workflow.act import Act, Runner
    from tests.workflow.conftest import Session
    from tests.workflow.project import Project
    from tools.engine import Engine

PULL = ((f"refs/pull/{PULL_REQUEST}/merge", READ | WRITE), ("refs/heads/main", READ))
SECRETS = {
    "GITHUB_TOKEN": "ghs_unseen-job-token",
    "REGISTRY_PASSWORD": "unseen-registry-password",
    "INDEX_PASSWORD": "unseen-index-password",
    "BUILD_SECRET": "unseen-build-secret",
    "ENV_SECRET": "unseen-secret-of-the-environment",
    "FILE_SECRET": "unseen-secret-of-a-file",
    "ARG_SECRET": "unseen-build-argument",
}
WORKFLOW = """\
name: secrets
on: [pull_request]
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - env:
          FILE_SECRET: ${{ secrets.FILE_SECRET }}
        run: (umask 077 && printf %s "$FILE_SECRET" > secret-file)
      - id: build
        uses: org/pycache-action@v1
        env:
          ENV_SECRET: ${{ secrets.ENV_SECRET }}
        with:
          context: .
          tags: ${{ vars.REGISTRY }}/team/secrets:latest
          push: true
          comment: always
          registry: ${{ vars.REGISTRY }}
          username: ci
          password: ${{ secrets.REGISTRY_PASSWORD }}
          build-args: INDEX_TOKEN=${{ secrets.ARG_SECRET }}
          secret-envs: from-env=ENV_SECRET
          secret-files: from-file=secret-file
          secrets: |
            plain=${{ secrets.BUILD_SECRET }}
            "pip-conf=[global]
            index-url = http://team:${{ secrets.INDEX_PASSWORD }}@${{ vars.INDEX }}/simple/
            trusted-host = ${{ vars.INDEX_HOST }}"
"""
DOCKERFILE = """\
FROM {base}
ENV PROJECT={name} PIP_NO_INDEX=0 PIP_NO_CACHE_DIR=1
ARG INDEX_TOKEN
RUN --mount=type=secret,id=plain --mount=type=secret,id=from-env --mount=type=secret,id=from-file \\
    cd /run/secrets && test -s plain && test -s from-env && test -s from-file && sleep 1
COPY requirements.txt .
RUN --mount=type=secret,id=pip-conf,target=/etc/pip.conf pip install -r requirements.txt
"""


class Watch:
    """Reads the arguments of every process of the machine, many times a second, until its `with` ends."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(0.05):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(process.read_bytes())
                except OSError:
                    continue  # it has ended


def test_secrets__show_nowhere(
    act: Act, project: Project, session: Session, warm_runner: Runner, engine: Engine, name: str
) -> None:
    project.write("Dockerfile", DOCKERFILE.format(base=session.base, name=name))
    project.write("requirements.txt", "omega==1.0\n")
    project.write(".dockerignore", ".git*\nsecret-file\n")
    project.write(".github/workflows/image.yml", WORKFLOW)
    with (
        GhaCache() as cache,
        GitHubApi(token=SECRETS["GITHUB_TOKEN"]) as github,
        LockedRegistry(engine.registry, "ci", SECRETS["REGISTRY_PASSWORD"]) as registry,
        PackageIndex(in_builds=True, credentials=("team", SECRETS["INDEX_PASSWORD"])) as index,
        Watch() as watch,
    ):
        index.add_wheel("omega", "1.0")
        github.add_pull(PULL_REQUEST, files=("requirements.txt",))
        host = index.url_in_builds.removeprefix("http://").removesuffix("/simple/")
        environ = cache.environment(PULL)
        token = environ["ACTIONS_RUNTIME_TOKEN"]
        result = act.run(
            project.pull_request(),
            warm_runner,
            environ={**environ, "GITHUB_API_URL": github.url},
            variables={"REGISTRY": registry.address, "INDEX": host, "INDEX_HOST": index.host_in_builds},
            secrets=SECRETS,
        )
        [comment] = github.comments(PULL_REQUEST)
        stored = [cache.blobs[entry.id].content or b"" for entry in cache.entries]
    assert result.ok
    assert result.outputs()["cache-result"] == "miss"
    assert index.downloads == ["omega-1.0-py3-none-any.whl"]
    assert any(b"\0build\0" in each and b"--secret\0" in each for each in watch.seen), "no buildx was seen"
    assert stored

    places = {
        "log, outputs and summary": [result.wire.encode()],
        "comment": [comment.body.encode()],
        "arguments": list(watch.seen),
        "files left on the runner": [path.read_bytes() for path in warm_runner.temp.rglob("*") if path.is_file()],
        "cache": [text for content in stored for text in _unpack(content)],
    }
    assert places["files left on the runner"], "there should be a report"
    hidden = {**SECRETS, "ACTIONS_RUNTIME_TOKEN": token}
    found = [
        f"{secret} in {place}"
        for place, texts in places.items()
        for secret, value in hidden.items()
        if any(value.encode() in text for text in texts)
    ]
    # What was an argument of the build is in the cached description of its steps, as in the image's history.
    assert set(found) <= {"ARG_SECRET in cache"}
    assert not list(warm_runner.temp.rglob("config.json")), "a login was left behind"


def _unpack(content: bytes) -> Iterator[bytes]:
    """The content itself, and what is in it where it is a layer, our packed documents included."""
    yield content
    try:
        layer = gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return
    yield layer
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            try:
                yield zlib.decompress(file.read()) if file else b""
            except zlib.error:
                continue
