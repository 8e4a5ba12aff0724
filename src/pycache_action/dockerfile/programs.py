"""Which program a command runs in the end: through `sudo`, `env`, `python -m`, `conda run` and their like."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pycache_action.dockerfile.installers.build import read_build, read_setup_py
from pycache_action.dockerfile.installers.pdm import read_pdm
from pycache_action.dockerfile.installers.pip import read_pip, read_pip_tools
from pycache_action.dockerfile.installers.pipenv import read_pipenv
from pycache_action.dockerfile.installers.poetry import read_poetry
from pycache_action.dockerfile.installers.request import Environment, Request, Tool
from pycache_action.dockerfile.installers.uv import read_uv
from pycache_action.dockerfile.shell.words import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PYTHON: Final = re.compile(r"(python|pypy)[\d.]*|py")
_PIP: Final = re.compile(r"pip[\d.]*")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=", re.ASCII)
SHELLS: Final = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox", "powershell", "pwsh", "cmd"})

# Options with a value, and how many words stand before the command.
_WRAPPERS: Final[dict[str, tuple[str, int]]] = {
    "sudo": ("-u -g -h -p -C -r -t -U -D --user --group", 0),
    "doas": ("-u -C", 0),
    "env": ("-u --unset -C --chdir", 0),
    "exec": ("-a", 0),
    "command": ("", 0),
    "nice": ("-n", 0),
    "ionice": ("-c -n", 0),
    "nohup": ("", 0),
    "time": ("-f -o", 0),
    "timeout": ("-s -k --signal --kill-after", 1),
    "stdbuf": ("-i -o -e", 0),
    "eatmydata": ("", 0),
    "gosu": ("", 1),
    "su-exec": ("", 1),
    "setarch": ("", 1),
    "linux32": ("", 0),
    "tini": ("", 0),
    "dumb-init": ("", 0),
    "unbuffer": ("", 0),
    "proxychains4": ("-f", 0),
    "xargs": ("-n -a -I -L -P -d -s -E --arg-file --max-args --max-procs --delimiter", 0),
}
_BUILDERS: Final[dict[str, Tool]] = {"uv": "uv", "poetry": "poetry", "pdm": "pdm", "hatch": "pip", "flit": "pip"}
_RUNNERS: Final[dict[str, tuple[str, str]]] = {
    "conda": ("run", "-n --name -p --prefix --cwd"),
    "mamba": ("run", "-n --name -p --prefix --cwd"),
    "micromamba": ("run", "-n --name -p --prefix --cwd -r --root-prefix"),
    "poetry": ("run", "-C --directory -P --project"),
    "pipenv": ("run", "--python"),
    "pdm": ("run", "-p --project"),
    "uv": ("run", "--project --directory -p --python --with --extra --group --package --env-file"),
    "hatch": ("run", "-e --env"),
    "pipx": ("run", "--spec --python --pip-args"),
    "uvx": ("", "--from --with -p --python"),
}


@dataclass(frozen=True, slots=True)
class Program:
    """A program and its words. `through` is xargs if its last words come from a file or pipe; `input` is that file."""

    name: str
    words: tuple[Value, ...]
    through: str = ""
    input: Value | None = None


def find_program(words: Sequence[Value]) -> Program:
    """Take the wrappers off a command."""
    through, given = "", None
    for _ in range(20):
        name, rest = program_name(words[0]) if words else "", words[1:]
        unwrapped = _unwrapped(name, rest)
        if unwrapped is None:
            return Program(name, tuple(rest), through, given)
        if name == "xargs":
            through = name
            given = _after(rest, "-a", "--arg-file")
        words = unwrapped
    return Program("", ())


def program_name(word: Value) -> str:
    """`/venv/bin/pip3` is `pip3`; `C:\\Python\\pip.exe` is `pip`."""
    return re.split(r"[/\\]", word.text)[-1].removesuffix(".exe").lower()


def _unwrapped(name: str, rest: Sequence[Value]) -> Sequence[Value] | None:
    """The command inside, None if this is not one that runs another."""
    if name in _WRAPPERS:
        valued, skipped = _WRAPPERS[name]
        inside = _skip_options(rest, valued.split())[skipped:]
        while inside and name in ("env", "sudo") and _ASSIGNMENT.match(inside[0].text):
            inside = inside[1:]
        return None if name == "command" and rest and rest[0].text in ("-v", "-V") else inside
    if _PYTHON.fullmatch(name):
        return _python_module(rest)
    if name in _RUNNERS:
        subcommand, valued = _RUNNERS[name]
        inside = _skip_options(rest, valued.split())
        if subcommand and (not inside or inside[0].text != subcommand):
            return None
        inside = _skip_options(inside[1:] if subcommand else inside, valued.split())
        return [Value(re.split(r"[=@]", inside[0].text)[0]), *inside[1:]] if inside else None
    return None


def _skip_options(words: Sequence[Value], valued: Sequence[str]) -> Sequence[Value]:
    at = 0
    while at < len(words) and words[at].text.startswith("-"):
        if words[at].text == "--":
            return words[at + 1 :]
        at += 2 if words[at].text in valued else 1
    return words[at:]


def _after(words: Sequence[Value], *names: str) -> Value | None:
    for word, following in itertools.pairwise(words):
        if word.text in names:
            return following
    return None


def _python_module(words: Sequence[Value]) -> Sequence[Value] | None:
    """What stands after `-m`, also in `-Im pip`, or `setup.py` and its words; None for any other script."""
    at = 0
    while at < len(words) and words[at].text.startswith("-") and len(words[at].text) > 1:
        option = words[at].text
        if found := re.fullmatch(r"-[bBdEhiIOqsSuvVx]*m(\w*)", option):
            glued = [Value(found.group(1))] if found.group(1) else []
            return [*glued, *words[at + 1 :]]
        if re.fullmatch(r"-[bBdEhiIOqsSuvVx]*c.*", option):
            return None
        at += 2 if option in ("-W", "-X") else 1
    rest = words[at:]
    return rest if rest and rest[0].text.split("/")[-1] == "setup.py" else None


def read_request(program: Program, environment: Environment) -> Request | None:
    """What an installer is asked for; None if the program is none, or installs and writes nothing."""
    name, words = program.name, program.words
    if _PIP.fullmatch(name):
        return read_pip(words, environment)
    if words and words[0].text == "build" and name in _BUILDERS:
        return read_build(_BUILDERS[name], words[1:])
    reader = _READERS.get(name)
    return reader(words, environment) if reader else None


def _read_pip_tools_module(words: Sequence[Value], environment: Environment) -> Request | None:
    del environment
    command = words[0].text if words else ""
    return read_pip_tools(f"pip-{command}", words[1:]) if command in ("sync", "compile") else None


def _read_pipx(words: Sequence[Value], environment: Environment) -> Request | None:
    del environment
    if not words or words[0].text != "install":
        return None
    return Request(tool="pip", named=tuple(word.text for word in words[1:] if not word.text.startswith("-")))


_READERS: Final[dict[str, Callable[[Sequence[Value], Environment], Request | None]]] = {
    "uv": read_uv,
    "poetry": lambda words, _: read_poetry(words),
    "pdm": read_pdm,
    "pipenv": read_pipenv,
    "pip-sync": lambda words, _: read_pip_tools("pip-sync", words),
    "pip-compile": lambda words, _: read_pip_tools("pip-compile", words),
    "piptools": _read_pip_tools_module,
    "pipx": _read_pipx,
    "build": lambda words, _: read_build("pip", words),
    "pyproject-build": lambda words, _: read_build("pip", words),
    "setup.py": lambda words, _: read_setup_py(words),
}


def is_installer(name: str) -> bool:
    return _PIP.fullmatch(name) is not None or name in ("uv", "poetry", "pdm", "pipenv", "pip-sync")
