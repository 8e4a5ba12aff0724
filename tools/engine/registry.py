"""A registry on loopback, and the few requests that tell what is in one and put an image there.

Requests: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
"""

from __future__ import annotations

import http.client
import json
import platform
import socket
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tools.engine import processes
from tools.engine.steps import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.engine.layers import Layer

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MANIFESTS = (
    MANIFEST,
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)

# JSON is YAML, so paths need no quoting rules of their own.
CONFIGURATION = {
    "version": 0.1,
    "log": {"level": "error", "accesslog": {"disabled": True}},
}


@dataclass(frozen=True, slots=True)
class RegistryProcess:
    """A registry of ours that runs: `address` as in an image name, for example "localhost:5000"."""

    address: str
    pid: int

    def stop(self) -> None:
        processes.end(self.pid, ask=[self.pid])

    def kill(self) -> None:
        """At once and without a goodbye: connections break in the middle."""
        processes.kill(self.pid)


def start_process(program: Path, path: Path, address: str, log: Path) -> RegistryProcess:
    """Serves the directory `path` at `address`. Several processes may serve the same directory."""
    path.mkdir(parents=True, exist_ok=True)
    configuration = CONFIGURATION | {
        "storage": {"filesystem": {"rootdirectory": str(path / "content")}, "delete": {"enabled": True}},
        "http": {"addr": address.replace("localhost", "127.0.0.1")},
    }
    file = path / f"{address.replace(':', '-')}.yml"
    file.write_text(json.dumps(configuration))
    pid = processes.start([str(program), "serve", str(file)], log)
    processes.wait_until_alive(f"the registry at {address}", lambda: answers(address), pid, log)
    return RegistryProcess(address, pid)


def find_port(preferred: int) -> int:
    """`preferred` when nothing listens there, on any address; else a free one."""
    if preferred and is_free(preferred):
        return preferred
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def is_free(port: int) -> bool:
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as probe:
            probe.settimeout(1)
            try:
                if probe.connect_ex((address, port)) == 0:
                    return False
            except OSError:  # no IPv6 here
                continue
    return True


def answers(registry: str) -> bool:
    try:
        return Client(registry).request("GET", "/v2/").status in (200, 401)
    except (OSError, http.client.HTTPException):
        return False


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Client:
    """Speaks plain HTTP to `registry`, for example "localhost:5000"."""

    registry: str

    def request(
        self, method: str, target: str, *, body: bytes | Path = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection(self.registry, timeout=60)
        try:
            if isinstance(body, Path):
                length = {"Content-Length": str(body.stat().st_size)}
                with body.open("rb") as file:
                    connection.request(method, target, file, {**(headers or {}), **length})
            else:
                connection.request(method, target, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def has(self, name: str) -> bool:
        """Whether there is the image `name`, for example "library/busybox:1.37"."""
        repository, _, reference = name.rpartition(":")
        answer = self.request(
            "HEAD", f"/v2/{repository}/manifests/{reference}", headers={"Accept": ", ".join(MANIFESTS)}
        )
        return answer.status == 200

    def fetch_manifest(self, name: str) -> str:
        repository, _, reference = name.rpartition(":")
        headers = {"Accept": ", ".join(MANIFESTS)}
        return self.checked(200, "GET", f"/v2/{repository}/manifests/{reference}", headers=headers).body.decode()

    def put_blob(self, repository: str, digest: str, body: bytes | Path) -> None:
        if self.request("HEAD", f"/v2/{repository}/blobs/{digest}").status == 200:
            return
        place = self.checked(202, "POST", f"/v2/{repository}/blobs/uploads/").headers["location"]
        parts = urlsplit(place)
        query = f"{parts.query}&digest={digest}" if parts.query else f"digest={digest}"
        kind = {"Content-Type": "application/octet-stream"}
        self.checked(201, "PUT", f"{parts.path}?{query}", body=body, headers=kind)

    def put_image(self, name: str, layers: list[Layer], configuration: Mapping[str, object]) -> None:
        """Makes the image `name` ("library/busybox:1.37") of `layers`; `configuration` is its `config` part."""
        repository, _, tag = name.rpartition(":")
        config = json.dumps({
            "architecture": read_architecture(),
            "os": "linux",
            "config": configuration,
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
            "history": [{"created_by": "tools/engine"} for _ in layers],
        }).encode()  # fmt: skip
        for layer in layers:
            self.put_blob(repository, layer.digest, layer.path)
        self.put_blob(repository, compute_digest(config), config)
        manifest = json.dumps({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": compute_digest(config),
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                    "digest": layer.digest,
                    "size": layer.path.stat().st_size,
                }
                for layer in layers
            ],
        }).encode()  # fmt: skip
        self.checked(201, "PUT", f"/v2/{repository}/manifests/{tag}", body=manifest, headers={"Content-Type": MANIFEST})

    def checked(
        self,
        status: int,
        method: str,
        target: str,
        *,
        body: bytes | Path = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        answer = self.request(method, target, body=body, headers=headers)
        if answer.status != status:
            words = answer.body.decode(errors="replace")[:300]
            raise EngineError(f"the registry {self.registry} answered {method} {target} with {answer.status}: {words}")
        return answer


def compute_digest(body: bytes) -> str:
    return f"sha256:{sha256(body).hexdigest()}"


def read_architecture() -> str:
    """As images name it. https://github.com/containerd/platforms/blob/v1.0.0-rc.1/database.go#L76"""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
