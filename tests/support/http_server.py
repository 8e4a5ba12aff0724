"""An HTTP server on a thread of the test process: what every stand-in here answers through."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from email.message import Message
    from io import BufferedIOBase
    from types import TracebackType

LOOPBACK = "127.0.0.1"
EVERY_ADDRESS = "0.0.0.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came in; `target` is the path with its query, still quoted."""

    method: str
    target: str
    headers: Message
    body: bytes

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        """The query's values; of a name given twice, the last."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back. Content-Length and Date are added."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | memoryview = b""


class HttpServer:
    """Answers on loopback from `with` to its end; what `answer` raised is raised again there, in the test's thread."""

    def __init__(self, answer: Callable[[Request], Answer], *, bind: str = LOOPBACK, port: int = 0) -> None:
        self.requests: list[Request] = []
        self._answer = answer
        self._listener = Listener((bind, port), partial(_Exchange, self._record_and_answer))

    @property
    def port(self) -> int:
        return self._listener.port

    @property
    def errors(self) -> list[Exception]:
        """What went wrong in the server's threads so far; `answer` may add to it without failing."""
        return self._listener.errors

    @property
    def url(self) -> str:
        """The server's address for this machine, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        raise_server_errors(self._listener.errors, after=error)

    def _record_and_answer(self, request: Request) -> Answer:
        self.requests.append(request)
        try:
            return self._answer(request)
        except Exception as error:  # noqa: BLE001 (shown to the test, by `__exit__`)
            error.add_note(f"while answering {request}")
            self._listener.errors.append(error)
            return Answer(status=500, headers={"Content-Type": "text/plain"}, body=repr(error).encode())


class Listener(ThreadingHTTPServer):
    """A thread per connection; closing it ends the connections still open and waits for their threads."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        self.errors: list[Exception] = []
        self.connections: set[socket.socket] = set()
        super().__init__(address, handler)

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.05,), name=f"listener-{self.port}", daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.drop_connections()
        self.server_close()

    def drop_connections(self) -> None:
        for connection in list(self.connections):
            reset_connection(connection)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own asks the resolver for a host name, which can take seconds
        self.server_name, self.server_port = str(self.server_address[0]), self.port

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, OSError):  # a client that goes away is no fault
            self.errors.append(error)


def raise_server_errors(errors: list[Exception], *, after: BaseException | None) -> None:
    """Raises what went wrong in a server's threads; where the test is failing already, adds it as notes."""
    if after is not None:
        for error in errors:
            after.add_note(f"and in a server's thread: {error!r}")
    elif errors:
        raise ExceptionGroup("a stand-in was used wrongly, or is wrong", errors)


def reset_connection(connection: socket.socket) -> None:
    """Ends it at once for both sides (RST, not FIN), and wakes the threads that wait for it."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the other side was faster


def iter_body(headers: Message, stream: BufferedIOBase, *, piece: int = 64 * 1024) -> Iterator[bytes]:
    """The body that `headers` announce, by Content-Length or in chunks; raises EOFError when it ends early."""
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        while size := int(stream.readline().split(b";")[0] or b"0", 16):
            yield from _iter_exactly(stream, size, piece)
            stream.readline()
        while stream.readline().strip():
            pass  # trailers
    else:
        yield from _iter_exactly(stream, int(headers.get("Content-Length") or 0), piece)


def _iter_exactly(stream: BufferedIOBase, size: int, piece: int) -> Iterator[bytes]:
    while size:
        data = stream.read1(min(size, piece))
        if not data:
            raise EOFError(f"{size} bytes missing")
        size -= len(data)
        yield data


class LoopbackHandler(BaseHTTPRequestHandler):
    """HTTP/1.1 with connections kept open; turns TLS away in the words that make engines fall back to plain HTTP.

    Engines speak TLS first to a registry on loopback they were not told about, and go on in plain HTTP only when the
    answer begins with `HTTP/`:
    https://github.com/containerd/containerd/blob/v2.3.3/core/remotes/docker/resolver.go#L976-L1035
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        assert isinstance(self.rfile, BufferedReader)
        if self.rfile.peek(1)[:1] == _TLS_HANDSHAKE:
            self.close_connection = True
            self.refuse_tls()
        else:
            super().handle_one_request()

    def refuse_tls(self) -> None:
        self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\nplain HTTP only\n")

    def log_message(self, format: str, *args: Any) -> None:
        pass  # the servers keep logs of their own


_TLS_HANDSHAKE = b"\x16"


class _Exchange(LoopbackHandler):
    wbufsize = 64 * 1024  # status, headers and a small body leave in one packet

    def __init__(self, answer: Callable[[Request], Answer], *args: Any) -> None:
        self._answer = answer
        super().__init__(*args)

    def _exchange(self) -> None:
        try:
            body = b"".join(iter_body(self.headers, self.rfile))
        except EOFError:
            self.close_connection = True
            return
        answer = self._answer(Request(method=self.command, target=self.path, headers=self.headers, body=body))
        self.send_response_only(answer.status)
        self.send_header("Date", self.date_time_string())
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _exchange  # noqa: N815 (http.server's names)
