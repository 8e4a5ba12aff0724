"""How a connection can go wrong, and when: the modes and triggers of `FaultyProxy`."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, assert_never

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Pass:
    """Does nothing of its own."""


@dataclass(frozen=True, slots=True)
class Dead:
    """Refuses connections and resets those that are open."""


@dataclass(frozen=True, slots=True)
class Silent:
    """Accepts, and answers nothing; a body under way stalls. All goes on when the mode changes."""


@dataclass(frozen=True, slots=True)
class Slow:
    """Lets this many body bytes a second pass, all connections and both directions together."""

    bytes_per_second: int


@dataclass(frozen=True, slots=True)
class Status:
    """Answers every new request with this, in place of the upstream; bodies under way pass."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"the proxy was told to\n"


@dataclass(frozen=True, slots=True)
class Cut:
    """Resets the connection where a body has more than this many bytes, after them."""

    after_bytes: int


Mode: TypeAlias = Pass | Dead | Silent | Slow | Status | Cut


@dataclass(frozen=True, slots=True)
class AfterRequests:
    """Once this many more requests matched (`METHOD /path?query`, a regular expression): the next one meets the new mode."""

    count: int
    matching: str = ""


@dataclass(frozen=True, slots=True)
class AfterBytes:
    """Once this many more body bytes passed, up and down, in requests that match: in the middle of the body."""

    count: int
    matching: str = ""


Trigger: TypeAlias = AfterRequests | AfterBytes


@dataclass(slots=True, kw_only=True)
class Passage:
    """One request and how it went; `status` is None where nothing was answered."""

    request: str
    mode: Mode
    status: int | None = None
    bytes_up: int = 0
    bytes_down: int = 0


@dataclass(slots=True)
class _Switch:
    trigger: Trigger
    to: Mode
    left: int

    def matches(self, request: str) -> bool:
        return re.search(self.trigger.matching, request) is not None


class ResetError(Exception):
    """The connection is to be reset."""


class FaultPlan:
    """The mode of the moment and the switches that wait; asked at every request and every piece of a body.

    `on_change` is called, with the plan locked, when the mode has changed or the plan has ended.
    """

    def __init__(self, mode: Mode, on_change: Callable[[], None]) -> None:
        self.log: list[Passage] = []
        self.ended = False
        self._mode = mode
        self._on_change = on_change
        self._switches: list[_Switch] = []
        self._changed = threading.Condition(threading.RLock())
        self._next_slot = 0.0

    @property
    def mode(self) -> Mode:
        return self._mode

    def become(self, mode: Mode) -> None:
        with self._changed:
            self._mode = mode
            self._next_slot = 0.0
            self._changed.notify_all()
            self._on_change()

    def switch(self, trigger: Trigger, to: Mode) -> None:
        with self._changed:
            self._switches.append(_Switch(trigger, to, trigger.count))

    def end(self) -> None:
        """Lets nothing pass any more, and resets those that wait."""
        with self._changed:
            self.ended = True
            self._changed.notify_all()
            self._on_change()

    def begin(self, request: str) -> Passage:
        """Counts a request that came in, and waits while the mode is `Silent`."""
        with self._changed:
            for switch in [s for s in self._switches if isinstance(s.trigger, AfterRequests) and s.matches(request)]:
                switch.left -= 1
                self._act_when(switch.left < 0, switch)
            return self.greet(request)

    def greet(self, request: str) -> Passage:
        """As `begin`, but for what is no request and not to be counted: a TLS handshake."""
        with self._changed:
            passage = Passage(request=request, mode=self._mode)
            self.log.append(passage)
            self.wait_while_silent()
            return passage

    def wait_while_silent(self) -> None:
        """Returns when the mode is another one; raises ResetError when that is `Dead` or the plan has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self.ended or not isinstance(self._mode, Silent))
            if self.ended or isinstance(self._mode, Dead):
                raise ResetError

    def iter_admitted(self, passage: Passage, body: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces of `body` at the pace and as far as the mode of the moment allows; then raises ResetError."""
        passed = 0
        for piece in body:
            rest = piece
            while rest:
                size = self._admit(passage.request, passed, len(rest))
                yield rest[:size]
                self._count(passage.request, size)
                passed += size
                rest = rest[size:]

    def _admit(self, request: str, passed: int, size: int) -> int:
        with self._changed:
            self.wait_while_silent()
            return self._pace(passed, min([size, *(max(switch.left, 1) for switch in self._counting(request))]))

    def _count(self, request: str, size: int) -> None:
        with self._changed:
            for switch in self._counting(request):
                switch.left -= size
                self._act_when(switch.left <= 0, switch)

    def _counting(self, request: str) -> list[_Switch]:
        return [s for s in self._switches if isinstance(s.trigger, AfterBytes) and s.matches(request)]

    def _pace(self, passed: int, size: int) -> int:
        match self._mode:
            case Pass() | Status() | Silent():
                return size
            case Slow(rate):
                size = min(size, max(1, rate // 10))
                now = time.monotonic()
                self._next_slot = max(now, self._next_slot) + size / rate
                mode = self._mode
                self._changed.wait_for(lambda: self.ended or self._mode is not mode, self._next_slot - now)
                return size
            case Cut(after) if passed < after:
                return min(size, after - passed)
            case Dead() | Cut():
                raise ResetError
            case _ as never:
                assert_never(never)

    def _act_when(self, met: bool, switch: _Switch) -> None:
        if met and switch in self._switches:
            self._switches.remove(switch)
            self.become(switch.to)
