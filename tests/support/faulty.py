"""An HTTP proxy in front of a registry or a cache service that misbehaves when told to.

    with FaultyProxy("localhost:5000") as proxy:
        proxy.switch(AfterBytes(1_000_000, matching=r"^GET .*/blobs/"), to=Silent())
        build(cache=f"type=registry,ref={proxy.address}/demo:cache")

Requests pass with their Host header, so that redirects and upload locations lead through the proxy again.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import partial
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Self

from tests.support.faults import Dead, FaultPlan, Mode, Pass, Passage, ResetError, Status, Trigger
from tests.support.http_server import (
    LOOPBACK,
    Listener,
    LoopbackHandler,
    iter_body,
    raise_server_errors,
    reset_connection,
)

if TYPE_CHECKING:
    from http.client import HTTPResponse
    from types import TracebackType


class FaultyProxy:
    """Passes HTTP on to `upstream` (`host:port`) between `with` and its end."""

    def __init__(self, upstream: str, *, mode: Mode | None = None, bind: str = LOOPBACK) -> None:
        self.upstream = upstream
        self.plan = FaultPlan(mode or Pass(), self._listen_as_the_mode_says)
        self._bind = bind
        self._listeners: list[Listener] = []
        self._listening = False
        self._port_keeper = socket.socket()  # bound and not listening: the port stays ours while `Dead` refuses
        self._port_keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._port_keeper.bind((bind, 0))

    @property
    def port(self) -> int:
        return int(self._port_keeper.getsockname()[1])

    @property
    def address(self) -> str:
        """`127.0.0.1:port`, which engines take for a registry over plain HTTP without being told."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def mode(self) -> Mode:
        """What the proxy does now; may be set at any time, from any thread."""
        return self.plan.mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self.plan.become(mode)

    def switch(self, trigger: Trigger, *, to: Mode) -> None:
        """Sets `mode` when `trigger` is met, counting from now. Several may wait at once; each acts once."""
        self.plan.switch(trigger, to)

    @property
    def log(self) -> list[Passage]:
        """Every request so far, in the order in which they came in."""
        return self.plan.log

    def __enter__(self) -> Self:
        self._listen_as_the_mode_says()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.plan.end()
        for listener in self._listeners:
            listener.server_close()
        self._port_keeper.close()
        raise_server_errors([error for listener in self._listeners for error in listener.errors], after=error)

    def _listen_as_the_mode_says(self) -> None:
        wanted = not (self.plan.ended or isinstance(self.plan.mode, Dead))
        if wanted and not self._listening:
            self._listeners.append(Listener((self._bind, self.port), partial(_Exchange, self)))
            self._listeners[-1].start()
        elif self._listening and not wanted:
            self._listeners[-1].shutdown()
            self._listeners[-1].socket.close()
            self._listeners[-1].drop_connections()
        self._listening = wanted


_OF_ONE_CONNECTION = frozenset({"connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})


class _Exchange(LoopbackHandler):
    def __init__(self, proxy: FaultyProxy, *args: Any) -> None:
        self._upstream = proxy.upstream
        self._plan = proxy.plan
        super().__init__(*args)

    def _exchange(self) -> None:
        try:
            passage = self._plan.begin(f"{self.command} {self.path}")
            match self._plan.mode:
                case Status() as answer:
                    self._answer(passage, answer)
                case _:
                    self._pass_on(passage)
        except (ResetError, OSError, HTTPException, EOFError):
            self.close_connection = True
            reset_connection(self.connection)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _exchange  # noqa: N815 (http.server's names)

    def refuse_tls(self) -> None:
        with suppress(ResetError):
            self._plan.greet("TLS")
            super().refuse_tls()

    def _answer(self, passage: Passage, answer: Status) -> None:
        for _ in iter_body(self.headers, self.rfile):
            pass  # a client that is still sending would not read the answer
        passage.status = answer.code
        self.send_response(answer.code)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _pass_on(self, passage: Passage) -> None:
        upstream = HTTPConnection(self._upstream)
        try:
            upstream.connect()
        except OSError as error:
            return self._answer(passage, Status(502, body=f"{self._upstream}: {error}\n".encode()))
        assert isinstance(self.server, Listener)
        connection = upstream.sock
        self.server.connections.add(connection)  # so that closing the proxy ends the wait for an answer
        try:
            self._send_request(upstream, passage)
            response = upstream.getresponse()
            self._plan.wait_while_silent()
            self._send_response(response, passage)
        finally:
            self.server.connections.discard(connection)
            upstream.close()

    def _send_request(self, upstream: HTTPConnection, passage: Passage) -> None:
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _OF_ONE_CONNECTION:
                upstream.putheader(name, value)
        chunked = self.headers.get("Transfer-Encoding", "").lower() == "chunked"
        if chunked:
            upstream.putheader("Transfer-Encoding", "chunked")
        upstream.endheaders()
        for piece in self._plan.iter_admitted(passage, iter_body(self.headers, self.rfile)):
            with suppress(BrokenPipeError, ConnectionResetError):  # an upstream may answer before it has read all
                upstream.send(_chunk(piece) if chunked else piece)
            passage.bytes_up += len(piece)
        if chunked:
            with suppress(BrokenPipeError, ConnectionResetError):
                upstream.send(_chunk(b""))

    def _send_response(self, response: HTTPResponse, passage: Passage) -> None:
        passage.status = response.status
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in _OF_ONE_CONNECTION:
                self.send_header(name, value)
        chunked = response.length is None  # http.client's word for "no length announced"; 0 where there is no body
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in self._plan.iter_admitted(passage, iter(lambda: response.read1(64 * 1024), b"")):
            self.wfile.write(_chunk(piece) if chunked else piece)
            passage.bytes_down += len(piece)
        if response.length:
            raise EOFError(f"{response.length} bytes missing")
        if chunked:
            self.wfile.write(_chunk(b""))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
