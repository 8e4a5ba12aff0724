"""The images that builds and tests start from, put into our registry, which the engines ask before docker.io.

Where docker.io can be reached they are copied from there, this machine's platform only, so that a fresh engine pulls
them over loopback. Where it cannot, stand-ins are made of Debian's packages.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.engine.layers import Layer, write_layer
from tools.engine.packages import CERTIFICATES, SYSTEM_REVISION, Suite, install_system
from tools.engine.programs import require_programs
from tools.engine.registry import Client, read_architecture
from tools.engine.steps import EngineError, say, step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from tools.engine.state import State

UPSTREAM = "docker.io"
UPSTREAM_PING = "https://registry-1.docker.io/v2/"
PYTHON_SUITE = "bookworm"  # the Debian release whose Python is 3.11
PYTHON_PACKAGES = (
    "?essential", "apt", "debian-archive-keyring", "python3", "python3-pip", "python3-venv", "ca-certificates",
)  # fmt: skip
PYTHON_CONFIG = {
    "Env": [
        "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG=C.UTF-8",
        f"PIP_CERT={CERTIFICATES}",
        f"SSL_CERT_FILE={CERTIFICATES}",
    ],
    "Cmd": ["python3"],
}


@dataclass(frozen=True, slots=True)
class Seed:
    """An image by its name on docker.io; `write` fills a directory with its stand-in's files.

    `variant` says what else those depend on; when it changes, the image is put again.
    """

    name: str
    write: Callable[[State, Path], None]
    config: Mapping[str, object]
    variant: Callable[[State], str] | None = None

    def names(self, state: State) -> list[str]:
        """Its names in our registry, the one that tells most last."""
        return [self.name, *([f"{self.name}-{self.variant(state)}"] if self.variant else [])]


@dataclass(frozen=True, slots=True)
class StandIn:
    seed: Seed
    layer: Layer

    def put(self, state: State, client: Client) -> None:
        for name in self.seed.names(state):
            client.put_image(name, [self.layer], self.seed.config)
        self.layer.path.unlink()


def write_python(state: State, root: Path) -> None:
    """Debian's Python in a whole Debian, with pip free to install into it."""
    suite = Suite(PYTHON_SUITE, state.path / "apt-python", state.log("apt-python"))
    install_system(suite.fetch(PYTHON_PACKAGES), root, suite)
    shutil.rmtree(suite.work)
    for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()
    (root / "usr" / "bin" / "python").symlink_to("python3")


def write_busybox(state: State, root: Path) -> None:
    for name, mode in (("bin", 0o755), ("etc", 0o755), ("root", 0o700), ("tmp", 0o1777)):
        (root / name).mkdir(parents=True)
        (root / name).chmod(mode)
    binary = root / "bin" / "busybox"
    shutil.copy(require_programs(state).root / "usr" / "bin" / "busybox", binary)
    for applet in subprocess.run([binary, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if applet != "busybox":
            os.link(binary, root / "bin" / applet)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    (root / "etc" / "group").write_text("root:x:0:\nnogroup:x:65534:\n")


def write_buildx(state: State, root: Path) -> None:
    shutil.copy(require_programs(state).plugins / "docker-buildx", root / "buildx")


PYTHON = Seed("library/python:3.11-slim", write_python, PYTHON_CONFIG, lambda _state: SYSTEM_REVISION)
BUSYBOX = Seed("library/busybox:1.37", write_busybox, {"Env": ["PATH=/bin"], "Cmd": ["sh"]})
BUILDX = Seed("docker/buildx-bin:0.29.1", write_buildx, {})


def seed_registry(
    state: State, registry: str, seeds: Iterable[Seed], early: Mapping[str, Future[StandIn]] | None = None
) -> None:
    """Puts what is missing of `seeds` into `registry`; `early` holds stand-ins that were begun before it ran."""
    client, early = Client(registry), early or {}
    missing = [seed for seed in seeds if not client.has(seed.names(state)[-1])]
    reachable = bool(missing) and not early and is_upstream_reachable()
    for seed in missing:
        with step(f"image {seed.name}"):
            if reachable and copy_upstream(state, seed.name, [f"{registry}/{name}" for name in seed.names(state)]):
                continue
            stand_in = early[seed.name].result() if seed.name in early else make_stand_in(state, seed)
            stand_in.put(state, client)


def make_stand_in(state: State, seed: Seed) -> StandIn:
    work = state.path / "seeds" / seed.name.replace("/", "-").replace(":", "-")
    shutil.rmtree(work, ignore_errors=True)
    (work / "root").mkdir(parents=True)
    seed.write(state, work / "root")
    layer = write_layer(work / "root", work / "layer.tar.gz")
    shutil.rmtree(work / "root")
    return StandIn(seed, layer)


def is_upstream_reachable() -> bool:
    try:
        with urllib.request.urlopen(UPSTREAM_PING, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code == http.client.UNAUTHORIZED  # it asks for a token, as it should
    except OSError:
        return False


def copy_upstream(state: State, name: str, targets: Sequence[str], *, upstream: str = UPSTREAM) -> bool:
    """Copies this platform's image from one registry to the other; `False`, and a line that says why, when it fails."""
    repository = f"{upstream}/{name.rpartition(':')[0]}"
    try:
        digest = find_platform_digest(imagetools(state, "inspect", "--raw", f"{upstream}/{name}"))
        source = f"{repository}@{digest}" if digest else f"{upstream}/{name}"
        imagetools(state, "create", "--prefer-index=false", *(f"--tag={target}" for target in targets), source)
    except EngineError as error:
        say(f"{name} cannot be copied from {upstream}, a stand-in is made of Debian's packages: {error}")
        return False
    return True


def imagetools(state: State, *arguments: str) -> str:
    argv = [str(require_programs(state).plugins / "docker-buildx"), "imagetools", *arguments]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no reason given")
    return done.stdout


def find_platform_digest(manifest: str) -> str | None:
    """The digest of this machine's part of an index; `None` for the manifest of one image."""
    document = json.loads(manifest)
    for part in document.get("manifests", ()):
        platform = part.get("platform", {})
        if (platform.get("os"), platform.get("architecture")) == ("linux", read_architecture()):
            return str(part["digest"])
    return None
