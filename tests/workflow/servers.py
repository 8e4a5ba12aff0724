"""What workflows talk to beside GitHub's API: a registry that wants a login, and a host of Git repositories."""

from __future__ import annotations

import base64
import os
import subprocess
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Self

from tests.support.http_server import LOOPBACK, Answer, HttpServer, Request

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

NOT_PASSED_ON = ("connection", "content-length", "date", "transfer-encoding")


class _Server:
    """An `HttpServer` around `answer`."""

    def __init__(self) -> None:
        self._server = HttpServer(self.answer)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    @property
    def requests(self) -> list[Request]:
        return self._server.requests

    @property
    def url(self) -> str:
        return self._server.url

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError


class LockedRegistry(_Server):
    """The registry `upstream` (`host:port`), for one user with a password. Its address is on loopback, so plain HTTP."""

    def __init__(self, upstream: str, user: str, password: str) -> None:
        super().__init__()
        self._upstream = upstream
        self.user = user
        self.password = password

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self._server.port}"

    def answer(self, request: Request) -> Answer:
        if not _is_allowed(request, self.user, self.password):
            return Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="tests"'})
        connection = HTTPConnection(self._upstream, timeout=60)
        try:
            # A HEAD's Content-Length is that of the body, which the server around this counts and leaves out.
            method = "GET" if request.method == "HEAD" else request.method
            headers = {name: value for name, value in request.headers.items() if name != "Authorization"}
            connection.request(method, request.target, request.body, headers)
            response = connection.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() not in NOT_PASSED_ON}
            return Answer(status=response.status, headers=kept, body=response.read())
        finally:
            connection.close()


class GitHost(_Server):
    """Serves the repositories below `root`, as `/org/project.git`, to whoever has the token."""

    def __init__(self, root: Path, token: str) -> None:
        super().__init__()
        self._root = root
        self._token = token

    def answer(self, request: Request) -> Answer:
        if not _is_allowed(request, "x-access-token", self._token):
            return Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="GitHub"'})
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "-c", "uploadpack.allowAnySHA1InWant=true", "http-backend"],
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(self._root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": request.method,
                "PATH_INFO": request.path,
                "QUERY_STRING": request.target.partition("?")[2],
                "CONTENT_TYPE": request.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(request.body)),
                "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            },
            input=request.body,
            capture_output=True,
            check=True,
        )
        return _parse_cgi(done.stdout)


def _is_allowed(request: Request, user: str, password: str) -> bool:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "basic" and credentials == base64.b64encode(f"{user}:{password}".encode()).decode()


def _parse_cgi(output: bytes) -> Answer:
    """https://www.rfc-editor.org/rfc/rfc3875#section-6"""
    head, _, body = output.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    status = int(headers.pop("Status", "200").split()[0])
    return Answer(status=status, headers=headers, body=body)
