"""What is in an image that was pushed: read from the registry, layer upon layer, without any engine.

Manifests and layers: https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from typing import Any, cast

from tools.engine.registry import MANIFESTS, Client

WHITEOUT = ".wh."


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One path of an image; `content` is a digest, or where a link leads. Bytecode names its source's time, so it counts by name alone."""

    kind: str
    mode: int
    owner: tuple[int, int]
    content: str


def read_files(reference: str, *, above: str = "") -> dict[str, Entry]:
    """Every path that the layers of an image bring in, those that the image `above` has too left out."""
    shared = {layer["digest"] for layer in _read_image(above)["layers"]} if above else set()
    client, repository, _ = _split(reference)
    files: dict[str, Entry] = {}
    for layer in _read_image(reference)["layers"]:
        if layer["digest"] not in shared:
            blob = client.checked(200, "GET", f"/v2/{repository}/blobs/{layer['digest']}").body
            _apply(files, gzip.decompress(blob))
    return files


def read_configuration(reference: str) -> dict[str, Any]:
    """What a container of the image starts with."""
    client, repository, _ = _split(reference)
    digest = _read_image(reference)["config"]["digest"]
    return cast("dict[str, Any]", _get(client, f"/v2/{repository}/blobs/{digest}")["config"])


def delete_tag(registry: str, repository: str, tag: str) -> None:
    """Removes a manifest by its tag, with every other tag of the same manifest."""
    client = Client(registry)
    digest = client.checked(200, "HEAD", f"/v2/{repository}/manifests/{tag}", headers=_accept()).headers[
        "docker-content-digest"
    ]
    client.checked(202, "DELETE", f"/v2/{repository}/manifests/{digest}")


def read_tags(registry: str, repository: str) -> list[str]:
    answer = Client(registry).request("GET", f"/v2/{repository}/tags/list")
    return sorted(json.loads(answer.body).get("tags") or ()) if answer.status == 200 else []


def read_layers(reference: str) -> list[dict[str, Any]]:
    """The descriptors of an image's (or a registry cache's) layers."""
    return cast("list[dict[str, Any]]", _read_image(reference)["layers"])


def _apply(files: dict[str, Entry], tar: bytes) -> None:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for member in archive:
            path = member.name.removeprefix("./").rstrip("/")
            folder, _, name = path.rpartition("/")
            if name.startswith(WHITEOUT):
                gone = f"{folder}/{name.removeprefix(WHITEOUT)}".lstrip("/")
                for each in [each for each in files if each == gone or each.startswith(f"{gone}/")]:
                    del files[each]
                continue
            files[path] = Entry(
                kind=member.type.decode(),
                mode=member.mode,
                owner=(member.uid, member.gid),
                content=_content(archive, member),
            )


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    if not member.isreg():
        return member.linkname
    if member.name.endswith(".pyc"):
        return "bytecode"
    opened = archive.extractfile(member)
    return hashlib.sha256(opened.read()).hexdigest() if opened else ""


def _read_image(reference: str) -> dict[str, Any]:
    client, repository, tag = _split(reference)
    document = _get(client, f"/v2/{repository}/manifests/{tag}")
    for part in document.get("manifests", ()):
        if part.get("platform", {}).get("os") == "linux":
            return _get(client, f"/v2/{repository}/manifests/{part['digest']}")
    return document


def _get(client: Client, target: str) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(client.checked(200, "GET", target, headers=_accept()).body))


def _accept() -> dict[str, str]:
    return {"Accept": ", ".join(MANIFESTS)}


def _split(reference: str) -> tuple[Client, str, str]:
    registry, _, rest = reference.partition("/")
    repository, _, tag = rest.partition(":")
    return Client(registry), repository, tag or "latest"
