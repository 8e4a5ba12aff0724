"""What the demo shows: a table that fills while the runs go on, then the comment. Without a terminal, plain lines."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.rule import Rule
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import RenderableType
    from tools.demo.workflow import Outcome

_COMMAND = re.compile(r"::(?!group)[a-z-]+.*|::group::")
QUIET_SECONDS = 10.0


class Screen:
    """Follows the runs, from `begin` to `end`; `tell` takes what happens meanwhile."""

    def __init__(self, titles: list[str]) -> None:
        self.console = Console(highlight=False)
        self._rows: list[Outcome | str] = list(titles)
        self._running: int | None = None
        self._began = self._told = 0.0
        self._line = ""
        self._spinner = Spinner("line")
        self._live = Live(get_renderable=self._render, console=self.console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self.console.print("examples/pip, built and pushed by four runs of a workflow, each on a new, empty runner.")
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        if error is None:
            self.console.print(self._tabulate())

    def begin(self, number: int) -> None:
        self._running, self._began, self._line = number, time.monotonic(), ""
        if not self.console.is_terminal:
            self.console.print(f"{self._rows[number]} ...")

    def tell(self, line: str) -> None:
        """Take a line of the log; where there is no terminal one is shown now and then, as a sign of life."""
        line = _COMMAND.sub("", line).strip()
        if not line:
            return
        self._line = line
        if not self.console.is_terminal and time.monotonic() - max(self._began, self._told) > QUIET_SECONDS:
            self._told = time.monotonic()
            self.console.print(Text(f"  {line}", "dim"), no_wrap=True, overflow="ellipsis")

    def end(self, number: int, outcome: Outcome) -> None:
        self._rows[number], self._running = outcome, None
        if not self.console.is_terminal:
            self.console.print(f"  {outcome.seconds:.1f} s, {tell_cached(outcome)}")

    def _render(self) -> RenderableType:
        line = Text(self._line, "dim", no_wrap=True, overflow="ellipsis")
        return Group(self._tabulate(), Padding(line, (1, 0, 0, 2)))

    def _tabulate(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("Run")
        table.add_column("Seconds", justify="right", no_wrap=True)
        table.add_column("Install step", no_wrap=True)
        table.add_column("Why", ratio=1)
        for number, row in enumerate(self._rows):
            match row:
                case str():
                    running = number == self._running
                    seconds = f"{time.monotonic() - self._began:.0f}" if running else ""
                    table.add_row(Text(row, "" if running else "dim"), seconds, self._spinner if running else "", "")
                case outcome:
                    style = "green" if outcome.report["result"] == "hit" else "yellow"
                    cells = (f"{outcome.seconds:.1f}", Text(tell_cached(outcome), style), Text(tell_why(outcome)))
                    table.add_row(outcome.title, *cells)
        return table


def tell_cached(outcome: Outcome) -> str:
    """Whether the install step ran."""
    steps = outcome.report["install_steps"]
    ran = [step for step in steps if not step["cached"]]
    if not ran:
        return "cached"
    return f"ran, {sum(step['seconds'] for step in ran):.1f} s"


def tell_why(outcome: Outcome) -> str:
    """The cause of a miss, in the action's own words."""
    causes = [cause for step in outcome.report["install_steps"] for cause in step["causes"]]
    return "; ".join(dict.fromkeys(f"{cause['id']}: {cause['message']}" for cause in causes))


def show_comment(console: Console, comment: str) -> None:
    """The Markdown as it was sent to the pull request."""
    console.print(Rule("The comment on the pull request", style="dim"))
    console.print(Text(comment.strip() or "No comment was posted."), soft_wrap=True)
    console.print(Rule(style="dim"))
