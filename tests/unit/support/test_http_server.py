from __future__ import annotations

import socket
import time

import pytest
import requests
from tests.support.http_server import Answer, HttpServer, Request


def echo(request: Request) -> Answer:
    return Answer(body=f"{request.method} {request.path} {request.query} ".encode() + request.body)


def test_http_server__path_query_and_body() -> None:
    with HttpServer(echo) as server:
        answer = requests.post(f"{server.url}/a%20b?x=1&x=2&empty=", data=b"hello", timeout=5)
        assert answer.text == "POST /a b {'x': '2', 'empty': ''} hello"
        assert [str(request) for request in server.requests] == ["POST /a%20b?x=1&x=2&empty="]


def test_http_server__chunked_body() -> None:
    with HttpServer(echo) as server:
        assert requests.put(server.url, data=iter([b"one ", b"two"]), timeout=5).text.endswith("one two")


def test_http_server__head_has_the_length_and_no_body() -> None:
    with HttpServer(lambda _: Answer(body=b"12345")) as server, requests.Session() as session:
        answer = session.head(server.url, timeout=5)
        assert (answer.headers["Content-Length"], answer.content) == ("5", b"")
        assert session.get(server.url, timeout=5).content == b"12345"  # the connection is still in step


def test_http_server__error_is_raised_in_the_test() -> None:
    def answer(request: Request) -> Answer:
        raise LookupError(request.path)

    with pytest.raises(ExceptionGroup) as caught, HttpServer(answer) as server:
        assert requests.get(f"{server.url}/x", timeout=5).status_code == 500
    assert caught.group_contains(LookupError, match="/x")


def test_http_server__error_does_not_hide_the_tests_own() -> None:
    def answer(_: Request) -> Answer:
        raise LookupError

    def use() -> None:
        with HttpServer(answer) as server:
            requests.get(server.url, timeout=5)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        use()
    assert caught.value.__notes__ == ["and in a server's thread: LookupError()"]


def test_http_server__closes_at_once_although_a_client_stays_connected() -> None:
    with socket.socket() as client:
        with HttpServer(echo) as server:
            client.connect(("127.0.0.1", server.port))
            client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf")
            time.sleep(0.1)
            began = time.monotonic()
        assert time.monotonic() - began < 1
        assert server.requests == []


def test_http_server__turns_tls_away_in_plain_http() -> None:
    with HttpServer(echo) as server, socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(b"\x16\x03\x01")  # the beginning of a handshake, and not a line
        assert client.recv(100).startswith(b"HTTP/")
        assert server.requests == []
