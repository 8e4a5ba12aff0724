"""Follow the commands of one RUN: where they run, which files they write, what they install."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pycache_action.dockerfile.expand import UNKNOWN
from pycache_action.dockerfile.instructions import without_passwords
from pycache_action.dockerfile.layers import ChangedLayer, WrittenLayer
from pycache_action.dockerfile.origins import Origin
from pycache_action.dockerfile.programs import SHELLS, Program, find_program, is_installer, program_name, read_request
from pycache_action.dockerfile.resolve import Found, InstallCommand
from pycache_action.dockerfile.shell.commands import Command, parse_script
from pycache_action.dockerfile.shell.words import ShellSyntaxError, Value
from pycache_action.dockerfile.streams import find_printed, printed_by, read_files, resolve_request
from pycache_action.dockerfile.writers import Place, find_written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pycache_action.dockerfile.installers.request import Request, Tool
    from pycache_action.dockerfile.shell_state import Scope, ShellState

_DEEPEST: Final = 5
_MENTIONS: Final = re.compile(
    r"\b(?P<tool>pip[\d.]*|uv|poetry|pdm|pipenv)(\.exe)?[\"']?\s+([^\n;&|]*\s)?(install|sync|download|wheel)\b"
)
_TOOL_NAMES: Final[dict[str, Tool]] = {"uv": "uv", "poetry": "poetry", "pdm": "pdm", "pipenv": "pipenv"}
_ONLY_PRINT: Final = frozenset({"echo", "printf", "[", "test", "which", "type", "command", "grep", "sed", ":"})
_NOT_PYTHON: Final = frozenset({"apt-get", "apt", "apk", "yum", "dnf", "microdnf", "brew", "chmod", "chown"})


@dataclass(slots=True)
class Script:
    """One RUN while its commands are followed; `installs` is the result."""

    state: ShellState
    installs: list[InstallCommand] = field(default_factory=list)
    depth: int = 0

    def run(self, text: str, scope: Scope = ()) -> None:
        """Follow a shell script, which begins where `scope` is. Raises ShellSyntaxError."""
        if self.depth >= _DEEPEST:
            raise ShellSyntaxError("scripts are nested too deeply")
        commands = parse_script(text, self.state.stage.around.escape)
        self.depth += 1
        outer, self.state.folders = self.state.folders, {(): self.state.folder(scope)}
        for command in commands:
            self._command(command)
        self.state.folders = outer
        self.depth -= 1

    def start(self, words: Sequence[str]) -> None:
        """Run one program without a shell."""
        values = tuple(Value(word) for word in words)
        self._start(values, find_program(values), Command())

    def _command(self, command: Command) -> None:
        state = self.state
        words = state.evaluate(command.words)
        if command.loop:
            state.values[command.loop] = words[0].text if len(words) == 1 and words[0].known else UNKNOWN
            return
        given = {name: state.assigned(word) for name, word in command.assignments}
        program = find_program(words)
        before = {name: state.lookup(name) for name in given}
        state.values.update(given)
        if words:
            self._start(words, program, command)
            state.values.update(before)
        self._redirected(program, command)

    def _start(self, words: tuple[Value, ...], program: Program, command: Command) -> None:
        name = program.name
        if self._builtin(name, program.words, command.scope):
            return
        request = read_request(program, self.state.environment)
        if request is not None:
            self._requested(request, words, program, command)
        elif name in SHELLS or name in ("su", "runuser", "eval"):
            self._inner_script(name, program.words, command)
        else:
            self._other(program, words, command)

    def _builtin(self, name: str, words: Sequence[Value], scope: Scope) -> bool:
        values = self.state.values
        match name:
            case "cd" | "pushd":
                self.state.change_folder(words, scope)
            case "export" | "declare" | "local" | "readonly" | "typeset":
                for word in words:
                    variable, equals, value = word.text.partition("=")
                    if equals:
                        values[variable] = value if word.known else UNKNOWN
            case "unset":
                values.update({word.text: None for word in words})
            case "read":
                values.update({word.text: UNKNOWN for word in words if not word.text.startswith("-")})
            case _:
                return False
        return True

    def _inner_script(self, name: str, words: Sequence[Value], command: Command) -> None:
        """`sh -c '...'`, `bash <<EOF`, `su -c '...'`, `eval ...`."""
        script = " ".join(word.text for word in words) if name == "eval" else _script_of(words, command)
        if script:
            try:
                self.run(script, command.scope)
            except ShellSyntaxError as error:
                self.installs.extend(unreadable(script, f"the command cannot be read: {error}"))

    def _other(self, program: Program, words: Sequence[Value], command: Command) -> None:
        """A program that is no installer: what it writes, and whether it may start one."""
        state = self.state
        place = Place(line=state.line, view=state.view(), path_of=lambda word: state.path(word, command.scope))
        for layer in find_written(program.name, program.words, place):
            state.write(layer)
        if program.name in _ONLY_PRINT or program.name in _NOT_PYTHON:
            return
        at = next((at for at, word in enumerate(program.words) if is_installer(program_name(word))), None)
        if at is not None:
            inner = find_program(program.words[at:])
            request = read_request(inner, state.environment)
            if request is not None and request.kind != "export":
                note = f"{words[0].text} runs the installer, and what it does is not known"
                self._requested(replace(request, notes=(*request.notes, note)), words, inner, command)
        elif program.name.startswith("${"):
            self._unknown_program(program, words, command)

    def _unknown_program(self, program: Program, words: Sequence[Value], command: Command) -> None:
        """`$PIP install -r requirements.txt`, if the name of the variable says what it is."""
        named = re.search(r"pipenv|pip|uv|poetry|pdm", program.name)
        request = read_request(replace(program, name=named.group()), self.state.environment) if named else None
        if request is not None:
            note = f"the value of {words[0].text} is not known"
            self._requested(replace(request, notes=(*request.notes, note)), words, program, command)

    def _requested(self, request: Request, words: Sequence[Value], program: Program, command: Command) -> None:
        found = resolve_request(request, self.state, command.scope)
        if request.kind == "export":
            if request.output is not None:
                self._exported(self.state.path(request.output, command.scope), found, command, whole=request.whole)
            return
        found = _joined(found, self._streamed(request, words, program, command))
        argv = tuple(word.text for word in words)
        if command.when:
            found = _joined(found, Found(unresolved=(f"{_short(argv)}: it runs {command.when}",)))
        if request.kind == "wheels" and request.output is not None:
            self._filled(self.state.path(request.output, command.scope), found)
        self.installs.append(
            InstallCommand(
                tool=request.tool,
                kind=request.kind,
                argv=argv,
                wanted=found.wanted,
                named=tuple(map(without_passwords, request.named)),
                project=tuple(without_passwords(str(local)) for local in request.local),
                unresolved=tuple(map(without_passwords, found.unresolved)),
            )
        )

    def _streamed(self, request: Request, words: Sequence[Value], program: Program, command: Command) -> Found:
        """Requirements that come through a pipe, xargs or a substitution."""
        found = Found()
        if request.stdin or program.through:
            inputs = [redirect.target for redirect in command.redirects if redirect.operator == "<"]
            files = (program.input,) if program.input else self.state.evaluate(inputs)
            piped: Found | None = None
            if files:
                piped = read_files(files, self.state, command.scope)
            elif command.source:
                piped = printed_by(command.source, self.state, command.scope)
            found = piped or Found(unresolved=("its requirements come through a pipe that cannot be followed",))
            if program.through:
                note = f"its requirements come through {program.through}, which reads words and not lines"
                found = Found(found.wanted, (*found.unresolved, note))
        for word in words:
            for script in word.substitutions if not word.text.startswith("<(") else ():
                printed = find_printed(script, self.state, command.scope)
                found = _joined(found, Found(printed.wanted if printed else ()))
        return found

    def _exported(self, path: str, found: Found, command: Command, *, whole: bool = False) -> None:
        """A file or folder that a tool writes from others: whoever reads it wants those."""
        doubts = [*found.unresolved, *([f"made by line {self.state.line}, {command.when}"] if command.when else ())]
        self.state.write(WrittenLayer(path, Origin(wanted=found.wanted, doubt="; ".join(doubts)), whole))

    def _filled(self, folder: str, found: Found) -> None:
        """A folder of wheels, which may have had some before."""
        before = self.state.view().find(folder) or Origin()
        wanted = dict.fromkeys((*before.wanted, *found.wanted))
        doubts = dict.fromkeys(filter(None, (before.doubt, *found.unresolved)))
        origin = Origin(wanted=tuple(wanted), doubt="; ".join(doubts))
        self.state.write(WrittenLayer(folder, origin, whole=True))

    def _redirected(self, program: Program, command: Command) -> None:
        """`> file` and `>> file`."""
        for redirect in command.redirects:
            if not redirect.operator.startswith((">", "&>")) or redirect.operator == ">&":
                continue
            for target in self.state.evaluate([redirect.target])[:1]:
                path = self.state.path(target, command.scope)
                if not path.startswith("/dev/"):
                    self._redirected_to(path, redirect.operator, program, command)

    def _redirected_to(self, path: str, operator: str, program: Program, command: Command) -> None:
        by = program.name or "the shell"
        if operator.endswith(">>"):
            doubt = f"changed by line {self.state.line} ({by})"
            self.state.write(ChangedLayer(path, doubt, self.state.view()))
            return
        printed = printed_by(command, self.state, command.scope, program)
        if printed is None:
            self.state.write(WrittenLayer(path, Origin(doubt=f"made by line {self.state.line} ({by})")))
        else:
            self._exported(path, printed, command)


def mentions_installer(text: str) -> re.Match[str] | None:
    """Whether a text that cannot be read as commands looks as if it installs something."""
    return _MENTIONS.search(text)


def unreadable(script: str, reason: str) -> list[InstallCommand]:
    """What to say of a script that cannot be read but seems to install something."""
    found = mentions_installer(script)
    if found is None:
        return []
    seen = f"{found.group().strip()}: {reason}"
    return [
        InstallCommand(tool=_TOOL_NAMES.get(found.group("tool"), "pip"), kind="install", argv=(), unresolved=(seen,))
    ]


def _script_of(words: Sequence[Value], command: Command) -> str:
    for word, following in itertools.pairwise(words):
        if re.fullmatch(r"-[a-z]*c|/c|-command|--command", word.text, re.IGNORECASE):
            return following.text
    return next((redirect.document for redirect in command.redirects if redirect.document), "")


def _joined(first: Found, second: Found) -> Found:
    return Found(
        tuple(dict.fromkeys((*first.wanted, *second.wanted))),
        tuple(dict.fromkeys((*first.unresolved, *second.unresolved))),
    )


def _short(argv: Sequence[str]) -> str:
    text = " ".join(argv)
    return text if len(text) <= 60 else f"{text[:57]}..."
