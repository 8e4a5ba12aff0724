"""Keeps unit tests to themselves: no other program, no network.

`real_processes` lets a test start programs of this machine; `loopback` lets it talk to servers of its own on 127.0.0.1,
which the tests of the stand-ins (`support/`) all do.
"""

from __future__ import annotations

import ipaddress
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUPPORT = Path(__file__).parent / "support"


class OutsideReached(BaseException):
    """A unit test reached for the outside. No `Exception`, so that no fallback in the code under test hides it."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real_processes: starts programs of this machine")
    config.addinivalue_line("markers", "loopback: talks to servers of its own on 127.0.0.1")


@pytest.fixture(autouse=True)
def _nothing_outside(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("real_processes") is None:
            patch.setattr(subprocess.Popen, "__init__", _refuse_process)
        loopback = SUPPORT in request.path.parents or request.node.get_closest_marker("loopback") is not None
        for name in ("connect", "connect_ex", "bind", "sendto"):
            patch.setattr(socket.socket, name, _guard(getattr(socket.socket, name), loopback=loopback))
        patch.setattr(socket, "getaddrinfo", _guard_look_up(socket.getaddrinfo, loopback=loopback))
        yield


def _refuse_process(_: object, arguments: object, *__: object, **___: object) -> NoReturn:
    raise OutsideReached(f"a unit test started {arguments!r}; mark it real_processes if it has to")


def _guard(method: Callable[..., Any], *, loopback: bool) -> Callable[..., Any]:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1]
        if isinstance(address, tuple) and not (loopback and _is_local(str(address[0]))):
            raise OutsideReached(f"a unit test used the network at {address!r}")
        return method(self, *arguments)

    return guarded


def _guard_look_up(look_up: Callable[..., Any], *, loopback: bool) -> Callable[..., Any]:
    def guarded(host: Any, *arguments: Any, **options: Any) -> Any:
        if not (loopback and _is_local(str(host))):
            raise OutsideReached(f"a unit test looked up {host!r}")
        return look_up(host, *arguments, **options)

    return guarded


def _is_local(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host or "0.0.0.0")
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified


@pytest.fixture
def servers_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cache server answers when it is asked for a sign of life."""
    monkeypatch.setattr("pycache_action.cache.lookup.find_silence", lambda *_: None)
