"""A small local package index (PEP 503, 592, 658, 691) that tests fill while it runs."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from packaging.utils import canonicalize_name

from tests.support.distributions import Contents, Distribution, make_sdist, make_wheel
from tests.support.docker_bridge import read_bridge_gateway
from tests.support.http_server import EVERY_ADDRESS, LOOPBACK, Answer, HttpServer, Request

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Unpack

_JSON = "application/vnd.pypi.simple.v1+json"


class PackageIndex:
    """Packages served under `url` between `with` and its end.

    `credentials` (user, password) are asked for on every page and file. `cache_control` is sent with both: without it
    pip keeps nothing in its HTTP cache (nor, over plain HTTP, from a host that is not `--trusted-host`). With `in_builds` it listens on every address, so that a RUN reaches it at
    `url_in_builds`. A fixed `port` keeps the URL the same from one run to the next, where it is part of a cache key.
    """

    def __init__(
        self,
        *,
        credentials: tuple[str, str] | None = None,
        cache_control: str = "",
        in_builds: bool = False,
        port: int = 0,
    ) -> None:
        self.cache_control = cache_control
        self._credentials = credentials
        self._distributions: dict[str, Distribution] = {}
        self._yanked: set[str] = set()
        self._in_builds = in_builds
        self._server = HttpServer(self._answer, bind=EVERY_ADDRESS if in_builds else LOOPBACK, port=port)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    @property
    def url(self) -> str:
        """What `--index-url` takes on this machine; without credentials."""
        return f"{self._server.url}/simple/"

    @property
    def host_in_builds(self) -> str:
        """What `--trusted-host` takes inside a RUN: pip wants it for plain HTTP to anything but loopback."""
        if not self._in_builds:
            raise ValueError("PackageIndex(in_builds=True) is needed to be reached from a build")
        return read_bridge_gateway()

    @property
    def url_in_builds(self) -> str:
        """What `--index-url` takes inside a RUN; without credentials."""
        return f"http://{self.host_in_builds}:{self._server.port}/simple/"

    def with_credentials(self, url: str) -> str:
        """`url` with this index's user and password in it."""
        if self._credentials is None:
            return url
        return url.replace("://", "://{}:{}@".format(*(quote(part, safe="") for part in self._credentials)), 1)

    def add(self, *distributions: Distribution) -> None:
        """Publishes them; one with the file name of an earlier one replaces it."""
        self._distributions |= {distribution.filename: distribution for distribution in distributions}

    def add_wheel(self, name: str, version: str, **contents: Unpack[Contents]) -> Distribution:
        """Makes a wheel and publishes it."""
        wheel = make_wheel(name, version, **contents)
        self.add(wheel)
        return wheel

    def add_sdist(self, name: str, version: str, **contents: Unpack[Contents]) -> Distribution:
        """Makes an sdist and publishes it."""
        sdist = make_sdist(name, version, **contents)
        self.add(sdist)
        return sdist

    def yank(self, name: str, version: str) -> None:
        """Marks the files of one release (PEP 592): installed only where pinned exactly."""
        canonical = canonicalize_name(name)
        self._yanked |= {f for f, d in self._distributions.items() if (d.name, d.version) == (canonical, version)}

    def remove(self, name: str) -> None:
        """Takes a project off the index."""
        canonical = canonicalize_name(name)
        self._distributions = {f: d for f, d in self._distributions.items() if d.name != canonical}

    def write_find_links(self, directory: Path) -> None:
        """Writes every file into `directory`, for `--no-index --find-links`: then a build needs no network at all."""
        directory.mkdir(parents=True, exist_ok=True)
        for distribution in self._distributions.values():
            (directory / distribution.filename).write_bytes(distribution.content)

    @property
    def requests(self) -> list[Request]:
        """Every request so far, refused ones included."""
        return self._server.requests

    @property
    def downloads(self) -> list[str]:
        """The names of the files asked for so far, in order; `.metadata` files are not among them."""
        paths = [request.path for request in self.requests if request.method == "GET"]
        return [
            path.removeprefix("/files/")
            for path in paths
            if path.startswith("/files/") and not path.endswith(".metadata")
        ]

    def _answer(self, request: Request) -> Answer:
        if self._credentials is not None:
            expected = "Basic " + base64.b64encode(":".join(self._credentials).encode()).decode()
            if request.headers.get("Authorization") != expected:
                return Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="packages"'})
        match request.path.strip("/").split("/"):
            case ["simple"]:
                return self._page(request, sorted({d.name for d in self._distributions.values()}))
            case ["simple", name]:
                return self._project(request, name)
            case ["files", filename]:
                return self._file(filename)
            case _:
                return Answer(status=404)

    def _page(self, request: Request, names: list[str]) -> Answer:
        if _JSON in request.headers.get("Accept", ""):
            return self._json({"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in names]})
        return self._html("".join(f'<a href="{name}/">{name}</a>\n' for name in names))

    def _project(self, request: Request, name: str) -> Answer:
        canonical = canonicalize_name(name)
        found = [d for d in self._distributions.values() if d.name == canonical]
        if not found:
            return Answer(status=404)
        if name != canonical or not request.path.endswith("/"):
            return Answer(status=301, headers={"Location": f"/simple/{canonical}/"})
        if _JSON not in request.headers.get("Accept", ""):
            return self._html("".join(self._link(distribution) for distribution in found))
        versions = list(dict.fromkeys(d.version for d in found))
        files = [self._entry(distribution) for distribution in found]
        return self._json({"meta": {"api-version": "1.1"}, "name": canonical, "versions": versions, "files": files})

    def _entry(self, distribution: Distribution) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "filename": distribution.filename,
            "url": f"/files/{distribution.filename}",
            "hashes": {"sha256": _sha256(distribution.content)},
            "size": len(distribution.content),
            "yanked": distribution.filename in self._yanked,
        }
        if distribution.requires_python:
            entry["requires-python"] = distribution.requires_python
        if distribution.metadata:
            entry["core-metadata"] = {"sha256": _sha256(distribution.metadata)}
        return entry

    def _link(self, distribution: Distribution) -> str:
        attributes = {"href": f"/files/{distribution.filename}#sha256={_sha256(distribution.content)}"}
        if distribution.requires_python:
            attributes["data-requires-python"] = distribution.requires_python
        if distribution.metadata:
            attributes["data-core-metadata"] = f"sha256={_sha256(distribution.metadata)}"
        if distribution.filename in self._yanked:
            attributes["data-yanked"] = ""
        rendered = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
        return f"<a {rendered}>{distribution.filename}</a>\n"

    def _file(self, filename: str) -> Answer:
        if distribution := self._distributions.get(filename):
            return self._ok("application/octet-stream", distribution.content)
        distribution = self._distributions.get(filename.removesuffix(".metadata"))
        if distribution is None or not distribution.metadata:
            return Answer(status=404)
        return self._ok("application/octet-stream", distribution.metadata)

    def _html(self, links: str) -> Answer:
        page = f'<!DOCTYPE html>\n<meta name="pypi:repository-version" content="1.1">\n{links}'
        return self._ok("text/html; charset=utf-8", page.encode())

    def _json(self, page: dict[str, Any]) -> Answer:
        return self._ok(_JSON, json.dumps(page).encode())

    def _ok(self, content_type: str, body: bytes) -> Answer:
        cache = {"Cache-Control": self.cache_control} if self.cache_control else {}
        return Answer(headers={"Content-Type": content_type, **cache}, body=body)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
