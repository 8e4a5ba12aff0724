"""The packages of a lock file and the steps between them, walked from what is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from pycache_action.dependencies.conditions import ALWAYS, NEVER, Condition, TooComplexError, both, either
from pycache_action.dependencies.malformed import MalformedError

MAX_EFFORT = 3_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From a project or package to the locked packages (by position) that may be what it needs."""

    packages: tuple[int, ...]
    extras: tuple[str, ...] = ()
    condition: Condition = ALWAYS


Needs: TypeAlias = Callable[[int, str], Iterable[Step]]


def walk(roots: Iterable[Step], needs: Needs) -> dict[int, Condition]:
    """Return the condition of each package that can be reached.

    `needs` gives the steps on from a package: its own for the empty name, those that an extra adds for the extra's.
    Raises MalformedError where markers are so entangled that following them would take long.
    """
    reached: dict[tuple[int, str], Condition] = {}
    waiting: deque[tuple[int, str]] = deque()
    effort = 0

    def arrive(step: Step, condition: Condition) -> None:
        for package in step.packages:
            for extra in ("", *step.extras):
                before = reached.get((package, extra), NEVER)
                after = either(before, condition)
                if after != before:
                    reached[package, extra] = after
                    waiting.append((package, extra))

    try:
        for step in roots:
            arrive(step, step.condition)
        while waiting:
            package, extra = waiting.popleft()
            condition = reached[package, extra]
            for step in needs(package, extra):
                effort += 1 + (len(condition) * len(step.condition)) ** 2
                if effort > MAX_EFFORT:
                    raise TooComplexError
                arrive(step, both(condition, step.condition))
    except TooComplexError:
        raise MalformedError("markers that can be followed in reasonable time") from None
    return {package: condition for (package, extra), condition in reached.items() if not extra}
