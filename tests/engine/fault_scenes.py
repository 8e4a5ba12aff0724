"""A cache that fails in one way, at one moment of a build, and what came of it.

The base image is small and its `pip` copies a large file, so that what takes time is what goes over the line.
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tests.engine.harness import Outcome, Product, Project
from tests.engine.images import read_files, read_layers, read_tags
from tests.support.faults import AfterBytes, AfterRequests, Cut, Dead, Mode, Pass, Silent, Slow, Status
from tests.support.faulty import FaultyProxy
from tests.support.gha_cache import GhaCache
from tools.engine import Engine, fresh_runner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PAYLOAD = 32 << 20
MOST_LOST = 30.0
PIP = """\
#!/bin/sh
mkdir -p /site && cp /wheels/payload /site/payload && touch -d @0 /site/payload
echo Successfully installed alpha-1.0
"""
DOCKERFILE = """\
FROM {base}
ENV PROJECT={name}
WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY app.py .
RUN cat /site/payload app.py | md5sum > /sum
"""
MODES: dict[str, Mode] = {
    "dead": Dead(),
    "silent": Silent(),
    "slow": Slow(10_000),
    "cut": Cut(1_000_000),
    "500": Status(500),
    "401": Status(401),
    "403": Status(403),
    "429": Status(429),
}


class Moment(StrEnum):
    """When the server begins to fail: before it is asked, while the index of the layers or a layer is read, in the save."""

    PROBE = "probe"
    INDEX = "index"
    IMPORT = "import"
    SAVE = "save"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`backend` is "registry" or "gha"; `fault` one of `MODES`."""

    backend: str
    moment: Moment
    fault: str

    def __str__(self) -> str:
        return f"{self.backend}-{self.moment}-{self.fault}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The build with the fault, the same without a cache, the next with a healthy server, and whether images are the same."""

    plain: Outcome
    faulty: Outcome
    healthy: Outcome
    same_image: bool

    @property
    def lost(self) -> float:
        """Seconds."""
        return self.faulty.seconds - self.plain.seconds


def push_base(engine: Engine, product: Product, token: str, folder: Path) -> str:
    """An image whose `pip` installs without a network."""
    (folder / "wheels").mkdir(parents=True)
    (folder / "wheels" / "payload").write_bytes(secrets.token_bytes(PAYLOAD))
    (folder / "pip").write_text(PIP)
    (folder / "Dockerfile").write_text("FROM busybox:1.37\nCOPY wheels /wheels\nCOPY --chmod=0755 pip /bin/pip\n")
    base = f"{engine.registry}/engine-tests/faults/{token}/base:1"
    product.docker("buildx", "build", "--provenance=false", "--push", "--tag", base, str(folder))
    return base


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where scenes are played."""

    engine: Engine
    product: Product
    base: str
    token: str

    def play(self, scene: Scene) -> Seen:
        """Everything of a scene is its own: project, cache, image, engines."""
        name = f"{self.token}-{scene}"
        image = f"{self.engine.registry}/engine-tests/faults/{self.token}/{scene}"
        project = Project(self.product.folder / name)
        project.write("Dockerfile", DOCKERFILE.format(base=self.base, name=name))
        project.write("requirements.txt", "alpha==1.0\n")
        project.write("app.py", "1\n")
        with ExitStack() as stack:
            service = stack.enter_context(GhaCache()) if scene.backend == "gha" else None
            proxy = stack.enter_context(FaultyProxy(service.address if service else self.engine.registry))
            repository = f"engine-tests/faults/{name}"
            options, environ = self._cache(service, proxy.address, repository)

            def build(tag: str, *options: str) -> Outcome:
                runner = stack.enter_context(fresh_runner(self.engine))
                product = self.product.on(environ).on(runner.environ)
                return product.build(project, *options, "--scope", name, "--tag", tag, "--push", timeout=180)

            if scene.moment in (Moment.INDEX, Moment.IMPORT):
                seeded = build(image, *options)
                assert seeded.exit_code == 0, seeded
                assert seeded.report["saved"]["reason"] == "", seeded
                project.write("app.py", "2\n")
            plain = build(f"{image}:plain", "--cache", "off")
            self._prepare(scene, proxy, repository)
            faulty = build(f"{image}:faulty", *options)
            proxy.mode = Pass()
            same = self._files(f"{image}:faulty") == self._files(f"{image}:plain")
            healthy = build(f"{image}:healthy", *options)
        return Seen(plain=plain, faulty=faulty, healthy=healthy, same_image=same)

    def _cache(self, service: GhaCache | None, proxy: str, repository: str) -> tuple[Sequence[str], Mapping[str, str]]:
        if service is not None:
            return ("--cache", "gha"), service.environment(url=f"http://{proxy}/")
        return ("--cache", f"registry,ref={proxy}/{repository}"), {}

    def _files(self, reference: str) -> object:
        return read_files(reference, above=self.base)

    def _prepare(self, scene: Scene, proxy: FaultyProxy, repository: str) -> None:
        mode = MODES[scene.fault]
        answers = isinstance(mode, Status)  # bodies under way pass: it has to be there before the request
        match scene.moment:
            case Moment.PROBE:
                proxy.mode = mode
            case Moment.INDEX:
                assert scene.backend == "registry"
                proxy.switch(AfterRequests(0, matching=r"/manifests/.*-[0-9a-f]{16}\."), to=mode)
            case Moment.IMPORT if answers and scene.backend == "registry":
                layer = self._largest_layer(repository)
                proxy.switch(AfterRequests(0, matching=rf"^GET .*{layer}"), to=mode)
            case Moment.IMPORT:
                proxy.switch(AfterBytes(1_000_000 if answers else 3_000_000, matching=r"^GET "), to=mode)
            case Moment.SAVE if answers:
                proxy.switch(AfterRequests(3, matching=r"^(POST|PUT|PATCH) "), to=mode)
            case Moment.SAVE:
                proxy.switch(AfterBytes(3_000_000, matching=r"^(PUT|PATCH) "), to=mode)

    def _largest_layer(self, repository: str) -> str:
        tags = [tag for tag in read_tags(self.engine.registry, repository) if not tag.endswith(".manifest")]
        layers = read_layers(f"{self.engine.registry}/{repository}:{tags[0]}")
        return str(max(layers, key=lambda layer: int(layer["size"]))["digest"])
