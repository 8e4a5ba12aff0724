"""Follow the commands of one RUN: where they run, which files they write, what they install."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pycache_action.dependencies.read import WantedFile
from pycache_action.dockerfile.expand import UNKNOWN, Unknown
from pycache_action.dockerfile.origins import ChangedLayer, Layer, Origin, View, WrittenLayer
from pycache_action.dockerfile.paths import join
from pycache_action.dockerfile.programs import SHELLS, Program, find_program, is_installer, program_name, read_request
from pycache_action.dockerfile.resolve import Found, InstallCommand, Resolver
from pycache_action.dockerfile.shell import Command, parse_script
from pycache_action.dockerfile.shell_words import ShellSyntaxError, Value, Word, evaluate
from pycache_action.dockerfile.writers import FILTERS, Place, files_read, find_written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pycache_action.dockerfile.installers.request import Request, Tool
    from pycache_action.dockerfile.stage import StageState

_DEEPEST: Final = 5
_MENTIONS: Final = re.compile(
    r"\b(?P<tool>pip[\d.]*|uv|poetry|pdm|pipenv)(\.exe)?[\"']?\s+([^\n;&|]*\s)?(install|sync|download|wheel)\b"
)
_TOOL_NAMES: Final[dict[str, Tool]] = {"uv": "uv", "poetry": "poetry", "pdm": "pdm", "pipenv": "pipenv"}
_QUIET: Final = frozenset(
    {"echo", "printf", "[", "test", "which", "type", "grep", "sed", "apt-get", "apt", "apk", "yum", "dnf", ":"}
)


def mentions_installer(text: str) -> re.Match[str] | None:
    """Whether a text that cannot be read as commands looks as if it installs something."""
    return _MENTIONS.search(text)


@dataclass(slots=True, kw_only=True)
class Script:
    """One RUN while its commands are followed. `installs` is the result; layers go to the stage as they come up."""

    stage: StageState
    line: int
    mounts: tuple[Layer, ...]
    mounted_at: int
    installs: list[InstallCommand] = field(default_factory=list)
    values: dict[str, str | Unknown | None] = field(default_factory=dict)
    folders: dict[tuple[int, ...], str] = field(default_factory=dict)
    depth: int = 0

    def run(self, text: str) -> None:
        """Follow a shell script. Raises ShellSyntaxError."""
        if self.depth >= _DEEPEST:
            raise ShellSyntaxError("scripts are nested too deeply")
        commands = parse_script(text, self.stage.around.escape)
        self.depth += 1
        outer, self.folders = self.folders, {(): self.folder(())}
        for command in commands:
            self._command(command)
        self.folders = outer
        self.depth -= 1

    def start(self, words: Sequence[str]) -> None:
        """Run one program without a shell."""
        self._start(tuple(Value(word) for word in words), Command())

    def folder(self, scope: tuple[int, ...]) -> str:
        """The working directory of a subshell: the nearest that was set around it."""
        while scope and scope not in self.folders:
            scope = scope[:-1]
        return self.folders.get(scope, self.stage.workdir)

    def lookup(self, name: str) -> str | Unknown | None:
        if name in self.values:
            return self.values[name]
        if name == "PWD":
            return self.folder(())
        return self.stage.variables.lookup(name)

    def _environment(self, name: str) -> str:
        value = self.lookup(name)
        return value if isinstance(value, str) else ""

    def _view(self) -> View:
        return self.stage.view(self.mounts, self.mounted_at)

    def _evaluate(self, words: Sequence[Word]) -> tuple[Value, ...]:
        return tuple(value for word in words for value in evaluate(word, self.lookup))

    def _path(self, word: Value, scope: tuple[int, ...]) -> str:
        return join(self.folder(scope), self.stage.native(word.text))

    def _command(self, command: Command) -> None:
        if command.loop:
            words = self._evaluate(command.words)
            self.values[command.loop] = words[0].text if len(words) == 1 and not words[0].wildcard else UNKNOWN
            return
        given = {name: self._assigned(word) for name, word in command.assignments}
        words = self._evaluate(command.words)
        if not words:
            self.values.update(given)
        else:
            kept = dict(self.values)
            self.values.update(given)
            self._start(words, command)
            for name in given:
                self.values[name] = kept.get(name, self.stage.variables.lookup(name))
        self._redirected(words, command)

    def _assigned(self, word: Word) -> str | Unknown:
        values = evaluate(word, self.lookup)
        known = all(value.known for value in values)
        return " ".join(value.text for value in values) if known else UNKNOWN

    def _start(self, words: tuple[Value, ...], command: Command) -> None:
        program = find_program(words)
        name = program.name
        if self._builtin(name, program.words, command.scope):
            return
        request = read_request(program, self._environment)
        if request is not None:
            self._requested(request, words, program, command)
        elif name in SHELLS or name in ("su", "runuser", "eval"):
            self._inner_script(name, program.words, command)
        else:
            self._other(program, words, command)

    def _builtin(self, name: str, words: Sequence[Value], scope: tuple[int, ...]) -> bool:
        match name:
            case "cd" | "pushd":
                target = [word for word in words if not word.text.startswith("-") or word.text == "-"]
                to = target[0] if target else Value("${HOME}")
                known = to.known and to.text != "-"
                self.folders[scope] = self._path(to, scope) if known or to.text.startswith("${") else "${OLDPWD}"
            case "export" | "declare" | "local" | "readonly" | "typeset":
                for word in words:
                    variable, equals, value = word.text.partition("=")
                    if equals:
                        self.values[variable] = value if word.known else UNKNOWN
            case "unset":
                self.values.update({word.text: None for word in words})
            case "read":
                self.values.update({word.text: UNKNOWN for word in words if not word.text.startswith("-")})
            case _:
                return False
        return True

    def _inner_script(self, name: str, words: Sequence[Value], command: Command) -> None:
        """`sh -c '...'`, `bash <<EOF`, `su -c '...'`, `eval ...`."""
        script = ""
        if name == "eval":
            script = " ".join(word.text for word in words)
        else:
            for word, following in itertools.pairwise(words):
                if re.fullmatch(r"-[a-z]*c|/c|-Command", word.text, re.IGNORECASE) or word.text == "--command":
                    script = following.text
                    break
            else:
                script = next((redirect.document for redirect in command.redirects if redirect.document), "")
        if script:
            try:
                self.run(script)
            except ShellSyntaxError as error:
                self._unreadable(script, error)

    def _unreadable(self, script: str, error: ShellSyntaxError) -> None:
        self.installs.extend(unreadable(script, str(error)))

    def _other(self, program: Program, words: Sequence[Value], command: Command) -> None:
        place = Place(line=self.line, view=self._view(), path_of=lambda word: self._path(word, command.scope))
        self.stage.layers.extend(find_written(program.name, program.words, place))
        if program.name in _QUIET:
            return
        for at, word in enumerate(program.words):
            if is_installer(program_name(word)):
                inner = find_program(program.words[at:])
                request = read_request(inner, self._environment)
                if request is not None and request.kind != "export":
                    note = f"{program.name or words[0].text} runs the installer, and what it does is not known"
                    self._requested(replace(request, notes=(*request.notes, note)), words, inner, command)
                return
        if program.name.startswith("${"):
            self._unknown_program(program, words, command)

    def _unknown_program(self, program: Program, words: Sequence[Value], command: Command) -> None:
        """`$PIP install -r requirements.txt`, if the name of the variable says what it is."""
        named = re.search(r"pipenv|pip|uv|poetry|pdm", program.name)
        request = read_request(replace(program, name=named.group()), self._environment) if named else None
        if request is not None:
            note = f"the value of {words[0].text} is not known"
            self._requested(replace(request, notes=(*request.notes, note)), words, program, command)

    def _requested(self, request: Request, words: Sequence[Value], program: Program, command: Command) -> None:
        found = self._resolve(request, command.scope)
        wanted, unresolved = dict.fromkeys(found.wanted), dict.fromkeys(found.unresolved)
        if request.kind == "export":
            self._exported(request, found, command)
            return
        if request.stdin or program.through:
            self._from_stream(request, program, command, wanted, unresolved)
        for word in words:
            for script in word.substitutions if not word.text.startswith("<(") else ():
                printed = self._printed(script, command.scope)
                wanted.update(dict.fromkeys(printed.wanted if printed else ()))
        argv = tuple(word.text for word in words)
        if command.when:
            unresolved[f"{_short(argv)}: it runs {command.when}"] = None
        if request.kind == "wheels" and request.output:
            origin = Origin(wanted=tuple(wanted), doubt="; ".join(unresolved))
            self.stage.layers.append(WrittenLayer(self._path(request.output, command.scope), origin, whole=True))
        self.installs.append(
            InstallCommand(
                tool=request.tool,
                kind=request.kind,
                argv=argv,
                wanted=tuple(wanted),
                named=request.named,
                project=tuple(str(local) for local in request.local),
                unresolved=tuple(unresolved),
            )
        )

    def _resolve(self, request: Request, scope: tuple[int, ...]) -> Found:
        resolver = Resolver(
            view=self._view(),
            path_of=lambda word: self._path(word, scope),
            stream=lambda script: self._printed(script, scope),
        )
        return resolver.resolve(request)

    def _exported(self, request: Request, found: Found, command: Command) -> None:
        """A requirements file written by a tool from its lock file: whoever reads it wants the lock file."""
        target = request.output or self._output_of(command)
        if target is None:
            return
        doubts = list(found.unresolved)
        if not request.exact:
            doubts.append(f"made by line {self.line}, from what the index has at the time")
        if command.when:
            doubts.append(f"made by line {self.line}, which runs {command.when}")
        origin = Origin(wanted=found.wanted, doubt="; ".join(doubts))
        self.stage.layers.append(WrittenLayer(self._path(target, command.scope), origin))

    def _output_of(self, command: Command) -> Value | None:
        targets = [redirect.target for redirect in command.redirects if redirect.operator in (">", ">|", "&>")]
        return next(iter(self._evaluate(targets[-1:])), None)

    def _from_stream(
        self,
        request: Request,
        program: Program,
        command: Command,
        wanted: dict[WantedFile, None],
        unresolved: dict[str, None],
    ) -> None:
        """Requirements that come through a pipe or xargs."""
        sources = [redirect.target for redirect in command.redirects if redirect.operator == "<"]
        files = (program.input,) if program.input else self._evaluate(sources)
        found = self._read_files(files, command.scope) if files else None
        if not files and command.source:
            found = self._printed_by(command.source, command.scope)
        if found is None:
            unresolved["its requirements come through a pipe, and nothing here says what is in it"] = None
            return
        wanted.update(dict.fromkeys(found.wanted))
        unresolved.update(dict.fromkeys(found.unresolved))
        if program.through:
            unresolved[f"its requirements come through {program.through}, which reads words and not lines"] = None

    def _read_files(self, files: Sequence[Value], scope: tuple[int, ...]) -> Found:
        view = self._view()
        wanted: dict[WantedFile, None] = {}
        unresolved: dict[str, None] = {}
        for word in files:
            origin = view.find(self._path(word, scope))
            if origin is None or origin == Origin():
                unresolved[f"{word.text}: nothing copies it from the build context"] = None
                continue
            wanted.update(dict.fromkeys((WantedFile(origin.path), *origin.wanted) if origin.path else origin.wanted))
            if origin.doubt:
                unresolved[f"{word.text}: {origin.doubt}"] = None
        return Found(tuple(wanted), tuple(unresolved))

    def _printed(self, script: str, scope: tuple[int, ...]) -> Found | None:
        """The dependency files that a script prints, as far as its last command tells."""
        try:
            commands = parse_script(script, self.stage.around.escape)
        except ShellSyntaxError:
            return None
        return self._printed_by(commands[-1], scope) if commands else None

    def _printed_by(self, command: Command, scope: tuple[int, ...]) -> Found | None:
        program = find_program(self._evaluate(command.words))
        request = read_request(program, self._environment)
        if request is not None and request.kind == "export" and request.output is None:
            return self._resolve(request, scope)
        inputs = [redirect.target for redirect in command.redirects if redirect.operator == "<"]
        if program.name in FILTERS or (not program.name and inputs):
            files = (*files_read(program.name, program.words), *self._evaluate(inputs))
            if files:
                found = self._read_files(files, scope)
                if program.name in ("cat", ""):
                    return found
                note = f"it is what {program.name} leaves of {', '.join(word.text for word in files)}"
                return Found(found.wanted, (*found.unresolved, note))
            return self._printed_by(command.source, scope) if command.source else None
        return None

    def _redirected(self, words: Sequence[Value], command: Command) -> None:
        """`> file` and `>> file`."""
        for redirect in command.redirects:
            if not redirect.operator.startswith((">", "&>")) or redirect.operator == ">&":
                continue
            for target in self._evaluate([redirect.target])[:1]:
                path = self._path(target, command.scope)
                if path.startswith("/dev/"):
                    continue
                self._redirected_to(path, redirect.operator, words, command)

    def _redirected_to(self, path: str, operator: str, words: Sequence[Value], command: Command) -> None:
        by = find_program(words).name if words else "the shell"
        if operator.endswith(">>"):
            self.stage.layers.append(ChangedLayer(path, f"changed by line {self.line} ({by})", self._view()))
            return
        printed = self._printed_by(command, command.scope)
        if printed is None:
            origin = Origin(doubt=f"made by line {self.line} ({by})")
        elif by == "cat" and not printed.unresolved:
            origin = Origin(wanted=printed.wanted)
        else:
            origin = Origin(wanted=printed.wanted, doubt="; ".join(printed.unresolved))
        self.stage.layers.append(WrittenLayer(path, origin))


def unreadable(script: str, reason: str) -> list[InstallCommand]:
    """What to say of a script that cannot be read but seems to install something."""
    found = mentions_installer(script)
    if found is None:
        return []
    seen = f"{found.group().strip()}: {reason}"
    return [
        InstallCommand(tool=_TOOL_NAMES.get(found.group("tool"), "pip"), kind="install", argv=(), unresolved=(seen,))
    ]


def _short(argv: Sequence[str]) -> str:
    text = " ".join(argv)
    return text if len(text) <= 60 else f"{text[:57]}..."
