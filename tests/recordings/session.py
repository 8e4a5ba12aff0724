"""A session: the programs that were run, in order, with what each said, wrote and answered.

Every call has a folder's files `NN.json` and `NN.stderr`. Temporary folders stand as `{temp}` in them, those of one call
numbered in their order (`{temp}`, `{temp2}`): what a call wrote there is kept with it, and written again in a replay.
Random ends of names stand as zeros.
"""

from __future__ import annotations

import base64
import json
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pycache_action.process import Completed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

RANDOM_NAME = re.compile(r"(?<=pycache-spare-)[0-9a-f]{8}")
DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One program, from start to end; `files` is what it wrote to temporary folders, by path."""

    arguments: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str
    seconds: float
    stopped: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)


class Folders:
    """The temporary folders in the arguments of one call, and their names in a recording."""

    def __init__(self, arguments: Iterable[str]) -> None:
        pattern = re.compile(re.escape(tempfile.gettempdir()) + r"/pycache-[^/,\s]+")
        found = dict.fromkeys(path for argument in arguments for path in pattern.findall(argument))
        self.names = {path: "{temp}" if number == 1 else f"{{temp{number}}}" for number, path in enumerate(found, 1)}

    def hide(self, text: str) -> str:
        for path, name in self.names.items():
            text = text.replace(path, name)
        return RANDOM_NAME.sub("0" * 8, text)

    def show(self, text: str) -> str:
        for path, name in self.names.items():
            text = text.replace(name, path)
        return text


def write_session(name: str, calls: Sequence[Call]) -> None:
    """Put a session in place of the one that was recorded under this name before."""
    folder = DATA / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for number, call in enumerate(calls, 1):
        document = {
            "arguments": list(call.arguments),
            "exit_code": call.exit_code,
            "seconds": round(call.seconds, 3),
            "stopped": call.stopped,
            "stdout": call.stdout,
            "files": {path: _encode(content) for path, content in call.files.items()},
        }
        (folder / f"{number:02}.json").write_text(json.dumps(document, indent=1) + "\n")
        (folder / f"{number:02}.stderr").write_text(call.stderr)


def read_session(name: str) -> tuple[Call, ...]:
    """The calls that were recorded under this name. Raises `FileNotFoundError` where nothing was."""
    found = sorted((DATA / name).glob("*.json"))
    if not found:
        raise FileNotFoundError(f"no recording {name!r}: python -m tools.record {name}")
    return tuple(_read_call(file) for file in found)


def _read_call(file: Path) -> Call:
    document = json.loads(file.read_text())
    return Call(
        arguments=tuple(document["arguments"]),
        exit_code=document["exit_code"],
        seconds=document["seconds"],
        stopped=document["stopped"],
        stdout=document["stdout"],
        stderr=file.with_suffix(".stderr").read_text(),
        files={path: _decode(content) for path, content in document["files"].items()},
    )


def _encode(content: bytes) -> dict[str, object]:
    try:
        return {"json": json.loads(content)}
    except ValueError:
        return {"base64": base64.b64encode(content).decode()}


def _decode(content: dict[str, object]) -> bytes:
    if "json" in content:
        return json.dumps(content["json"]).encode()
    return base64.b64decode(str(content["base64"]))


class Replay:
    """Plays a session; fails where another program is asked for than the one that was recorded next.

    `calls` are those that are still to come. There is no program but the one of the next call.
    """

    def __init__(self, calls: Iterable[Call]) -> None:
        self.calls = list(calls)

    def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        standard_input: bytes | None = None,
        on_error_line: Callable[[str], None] | None = None,
        watchdog: Callable[[], str] | None = None,
        deadline: float | None = None,
    ) -> Completed:
        """Answer as the program did (see `Processes.run`); the watchdog is asked once, when all has been said."""
        folders = Folders(arguments)
        asked_for = tuple(folders.hide(argument) for argument in arguments)
        assert self.calls, f"the recording ends before {' '.join(asked_for)}"
        if arguments[0] != self.calls[0].arguments[0]:
            raise FileNotFoundError(arguments[0])
        call = self.calls.pop(0)
        assert asked_for == call.arguments
        for path, content in call.files.items():
            file = Path(folders.show(path))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        if on_error_line is not None:
            for line in call.stderr.splitlines():
                on_error_line(line)
        if watchdog is not None:
            watchdog()
        return Completed(
            arguments=tuple(arguments),
            exit_code=call.exit_code,
            stdout=call.stdout,
            stderr=call.stderr,
            seconds=call.seconds,
            stopped=call.stopped,
        )


def replay(name: str) -> Replay:
    """A port towards programs that plays the session recorded under this name."""
    return Replay(read_session(name))
