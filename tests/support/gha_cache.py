"""GitHub's cache service, version 2, as BuildKit's `type=gha` uses it.

    with GhaCache() as cache:
        run(["docker", "buildx", "build", "--cache-to", "type=gha,scope=demo", ...], env=cache.environment())

Twirp calls with snake_case JSON, content by signed URLs:
https://github.com/actions/toolkit/blob/4b9afa4c890d/packages/cache/src/generated/results/api/v1/cache.ts
As a process of its own: `python -m tests.support.gha_cache --port 0 [--scope refs/heads/main=3]...` prints the environment to use.
"""

from __future__ import annotations

import argparse
import itertools
import json
import signal
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from tests.support.azure_blobs import BlobContainer
from tests.support.gha_token import READ, WRITE, InvalidTokenError, Scope, make_token, parse_token
from tests.support.http_server import LOOPBACK, Answer, HttpServer, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

_SERVICE = "/twirp/github.actions.results.api.v1.CacheService/"
_MAIN = (("refs/heads/main", READ | WRITE),)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """One entry; `id` grows with time. A pending one (`size` None) is not found, and its key is taken all the same."""

    id: int
    scope: str
    key: str
    version: str
    size: int | None = None


class _TwirpError(Exception):
    """https://twitchtv.github.io/twirp/docs/errors.html"""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = _json({"code": code, "msg": message}, status)


class GhaCache:
    """The service between `with` and its end; `bind` and `port` say where, `url_lifetime` how long a signed URL holds."""

    def __init__(self, *, bind: str = LOOPBACK, port: int = 0, url_lifetime: float = 3600) -> None:
        self.blobs = BlobContainer(url_lifetime=url_lifetime)
        self._entries: dict[int, CacheEntry] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._server = HttpServer(self._answer, bind=bind, port=port)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    @property
    def url(self) -> str:
        """What ACTIONS_RESULTS_URL holds; with a slash at the end."""
        return f"{self._server.url}/"

    @property
    def address(self) -> str:
        """`host:port`, for a proxy in front."""
        return f"{LOOPBACK}:{self._server.port}"

    def environment(self, scopes: Sequence[tuple[str, int]] = _MAIN, *, url: str = "") -> dict[str, str]:
        """What a job's environment holds for its clients; `url` in place of the service's own leads through a proxy."""
        return {
            "ACTIONS_CACHE_SERVICE_V2": "1",
            "ACTIONS_RESULTS_URL": url or self.url,
            "ACTIONS_RUNTIME_TOKEN": make_token(scopes),
        }

    @property
    def requests(self) -> list[Request]:
        return self._server.requests

    @property
    def entries(self) -> list[CacheEntry]:
        """All entries, oldest first, pending ones included."""
        return list(self._entries.values())

    def evict(self, prefix: str = "") -> None:
        """Drops the entries whose keys begin so."""
        with self._lock:
            for entry in [entry for entry in self._entries.values() if entry.key.startswith(prefix)]:
                del self._entries[entry.id]
                self.blobs.delete(entry.id)

    def rewrite(self, prefix: str, change: Callable[[bytes], bytes]) -> None:
        """Spoils the content of the entries whose keys begin so, e.g. `lambda content: content[:100]`."""
        for entry in self.entries:
            if entry.key.startswith(prefix) and entry.size is not None:
                self.blobs[entry.id].content = change(self.blobs[entry.id].content or b"")

    def leave_pending(self, key: str, *, version: str, scope: str = "refs/heads/main") -> None:
        """Takes a key as a job does that is killed before it has uploaded anything."""
        with self._lock:
            self._reserve(scope, key, version)

    def _answer(self, request: Request) -> Answer:
        if request.path.startswith("/blobs/"):
            return self.blobs.answer(request)
        calls = {
            "CreateCacheEntry": self._create,
            "FinalizeCacheEntryUpload": self._finalize,
            "GetCacheEntryDownloadURL": self._find_download,
        }
        call = calls.get(request.path.removeprefix(_SERVICE))
        try:
            if call is None or request.method != "POST":
                raise _TwirpError(404, "bad_route", f"no handler for {request}")
            scopes = _authorise(request)
            with self._lock:
                return _json(call(scopes, _parse(request), request.headers["Host"]))
        except _TwirpError as error:
            return error.answer

    def _create(self, scopes: list[Scope], message: dict[str, Any], host: str) -> dict[str, Any]:
        entry = self._reserve(_writable(scopes), message["key"], message["version"])
        return {"ok": True, "signed_upload_url": self.blobs.sign(host, entry.id, "w"), "message": ""}

    def _reserve(self, scope: str, key: str, version: str) -> CacheEntry:
        if self._find(scope, lambda entry: (entry.key, entry.version) == (key, version)):
            raise _TwirpError(409, "already_exists", "cache entry with the same key, version, and scope already exists")
        entry = CacheEntry(id=next(self._ids), scope=scope, key=key, version=version)
        self._entries[entry.id] = entry
        self.blobs.create(entry.id)
        return entry

    def _finalize(self, scopes: list[Scope], message: dict[str, Any], host: str) -> dict[str, Any]:
        wanted = (message["key"], message["version"])
        entry = self._find(_writable(scopes), lambda entry: (entry.key, entry.version) == wanted and entry.size is None)
        if entry is None:
            raise _TwirpError(404, "not_found", "no pending cache entry with this key and version")
        content, size = self.blobs[entry.id].content, int(message.get("size_bytes", 0))
        if content is None or len(content) != size:
            raise _TwirpError(400, "invalid_argument", f"{size} bytes announced, {len(content or b'')} uploaded")
        self._entries[entry.id] = replace(entry, size=size)
        return {"ok": True, "entry_id": str(entry.id), "message": ""}  # an int64 is a string in protobuf's JSON

    def _find_download(self, scopes: list[Scope], message: dict[str, Any], host: str) -> dict[str, Any]:
        readable = [scope.ref for scope in scopes if scope.permission & READ]
        if not readable:
            raise _TwirpError(403, "permission_denied", "cache read denied: no scope with read permission")
        for scope in readable:
            if entry := self._match(scope, message):
                url = self.blobs.sign(host, entry.id, "r")
                return {"ok": True, "signed_download_url": url, "matched_key": entry.key}
        return {"ok": False, "signed_download_url": "", "matched_key": ""}

    def _match(self, scope: str, message: dict[str, Any]) -> CacheEntry | None:
        """The exact key, else of each restore key in turn the newest that begins so."""

        def is_ready(entry: CacheEntry) -> bool:
            return entry.size is not None and entry.version == message["version"]

        found = self._find(scope, lambda entry: is_ready(entry) and entry.key == message["key"])
        for prefix in message.get("restore_keys") or ():
            found = found or self._find(scope, lambda entry: is_ready(entry) and entry.key.startswith(prefix))  # noqa: B023
        return found

    def _find(self, scope: str, condition: Callable[[CacheEntry], bool]) -> CacheEntry | None:
        """The newest entry of a scope that meets the condition."""
        return next((e for e in reversed(self._entries.values()) if e.scope == scope and condition(e)), None)


def _authorise(request: Request) -> list[Scope]:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise InvalidTokenError("no bearer token")
        return parse_token(token)
    except InvalidTokenError as error:
        raise _TwirpError(401, "unauthenticated", f"token: {error}") from None


def _parse(request: Request) -> dict[str, Any]:
    try:
        message = json.loads(request.body)
    except ValueError:
        message = None
    if not isinstance(message, dict) or not all(isinstance(message.get(name), str) for name in ("key", "version")):
        raise _TwirpError(400, "malformed", "a JSON object with key and version is wanted")
    if not message["key"] or len(message["key"]) > 512 or "," in message["key"]:
        raise _TwirpError(400, "invalid_argument", "a key has 1 to 512 characters and no comma")
    return message


def _writable(scopes: list[Scope]) -> str:
    for scope in scopes:
        if scope.permission & WRITE:
            return scope.ref
    raise _TwirpError(403, "permission_denied", "cache write denied: no scope with write permission")


def _json(message: dict[str, Any], status: int = 200) -> Answer:
    return Answer(status=status, headers={"Content-Type": "application/json"}, body=json.dumps(message).encode())


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.gha_cache", description="A stand-in for GitHub's cache service."
    )
    parser.add_argument("--bind", default=LOOPBACK)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument(
        "--scope", action="append", metavar="REF=1|2|3", help="nearest first; refs/heads/main=3 by default"
    )
    options = parser.parse_args()
    scopes = [(ref, int(permission)) for ref, _, permission in (scope.rpartition("=") for scope in options.scope or ())]
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with GhaCache(bind=options.bind, port=options.port) as cache:
        for name, value in cache.environment(scopes or _MAIN).items():
            print(f"{name}={value}", flush=True)
        signal.sigwait(ends)


if __name__ == "__main__":
    main()
