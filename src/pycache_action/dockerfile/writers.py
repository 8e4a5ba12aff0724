"""Which files a command other than an installer writes, as far as that matters for finding dependency files."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pycache_action.dockerfile.layers import ChangedLayer, MovedLayer, WrittenLayer
from pycache_action.dockerfile.origins import Layer, Origin, View
from pycache_action.dockerfile.shell.words import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FILTERS: Final = frozenset(
    {"cat", "grep", "egrep", "fgrep", "sed", "awk", "gawk", "cut", "head", "tail", "sort", "uniq", "tr"}
)
"""Programs that print files, or what they make of them."""

_SCRIPT_FIRST: Final = frozenset({"grep", "egrep", "fgrep", "sed", "awk", "gawk", "tr"})
_VALUED: Final = {
    "cp": "-t --target-directory -S",
    "mv": "-t --target-directory -S",
    "ln": "-t --target-directory -S",
    "install": "-m -o -g -t --mode --owner --group --target-directory",
    "curl": "-o --output -H -u -X -d --header --user --retry --max-time -m -x --data -A -e",
    "wget": "-O --output-document -P --directory-prefix --header -T -t --tries --timeout -U",
    "git": "-b --branch --depth -c -C -o --config --jobs -j",
    "tar": "-C --directory -f --file -T -X --exclude --strip-components",
    "unzip": "-d -x",
    "grep": "-e -f -m -A -B -C --regexp --file --max-count",
    "sed": "-e -f --expression --file",
    "head": "-n -c --lines --bytes",
    "tail": "-n -c --lines --bytes",
    "cut": "-d -f -c -b --delimiter --fields",
    "awk": "-F -v -f",
    "sort": "-k -t -o",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a command runs: `path_of` makes a word an absolute path, `view` is what stands there before it."""

    line: int
    view: View
    path_of: Callable[[Value], str]


@dataclass(frozen=True, slots=True)
class Arguments:
    """The words after a program: options with their values, and the rest."""

    given: tuple[tuple[str, Value], ...]
    rest: tuple[Value, ...]

    def value(self, *names: str) -> Value | None:
        return next((value for name, value in reversed(self.given) if name in names), None)

    def has(self, *names: str) -> bool:
        return any(name in names for name, _ in self.given)


def read_arguments(program: str, words: Sequence[Value]) -> Arguments:
    """Sort the words of a common program, loosely: flags in one word are taken apart, a last one may have a value."""
    valued = _VALUED.get(program, "-o --output --output-file").split()
    given: list[tuple[str, Value]] = []
    rest: list[Value] = []
    waiting = list(reversed(words))
    while waiting:
        word = waiting.pop()
        if not word.text.startswith("-") or word.text == "-":
            rest.append(word)
            continue
        if word.text.startswith("--"):
            name, equals, text = word.text.partition("=")
            if equals:
                given.append((name, Value(text, word.unknown)))
            else:
                given.append((name, waiting.pop() if name in valued and waiting else Value("")))
            continue
        given.extend(_short_options(word, waiting, valued))
    return Arguments(tuple(given), tuple(rest))


def _short_options(word: Value, waiting: list[Value], valued: Sequence[str]) -> Iterator[tuple[str, Value]]:
    for at, letter in enumerate(word.text[1:], start=1):
        name = f"-{letter}"
        if name not in valued:
            yield name, Value("")
            continue
        text = word.text[at + 1 :]
        yield name, Value(text, word.unknown) if text else (waiting.pop() if waiting else Value(""))
        return


def files_read(program: str, words: Sequence[Value]) -> tuple[Value, ...]:
    """The files that a filter prints; for `sed`, `grep` and their like, the words after the first."""
    arguments = read_arguments(program, words)
    script_given = arguments.has("-e", "-f", "--expression", "--regexp", "--file")
    return arguments.rest[1:] if program in _SCRIPT_FIRST and not script_given else arguments.rest


def find_written(program: str, words: Sequence[Value], place: Place) -> Iterator[Layer]:
    """What the command writes apart from its redirections."""
    arguments = read_arguments(program, words)
    match program:
        case "cp" | "mv" | "ln" | "install":
            yield from _moved(arguments, place)
        case "rm":
            for word in arguments.rest:
                yield _written(word, f"removed by line {place.line}", place, whole=True)
        case "tee":
            for word in arguments.rest:
                yield _written(word, _made(program, place), place)
        case "sed" | "patch" | "dos2unix" | "pip-compile-multi":
            yield from _changed(program, words, arguments, place)
        case "git" | "tar" | "unzip":
            yield from _filled(program, arguments, place)
        case "curl" | "wget":
            yield from _fetched(program, arguments, place)
        case _:
            output = arguments.value("-o", "--output", "--output-file")
            if output is not None and output.text:
                yield _written(output, _made(program, place), place)


def _made(program: str, place: Place) -> str:
    return f"made by line {place.line} ({program})"


def _written(word: Value, doubt: str, place: Place, *, whole: bool = False, certain: bool = True) -> Layer:
    return WrittenLayer(place.path_of(word), Origin(doubt=doubt, certain=certain), whole)


def _moved(arguments: Arguments, place: Place) -> Iterator[Layer]:
    target = arguments.value("-t", "--target-directory")
    *sources, last = [*arguments.rest, target] if target else arguments.rest or (None,)
    if last is not None:
        for source in sources:
            yield MovedLayer(place.path_of(last), place.path_of(source), place.view)


def _changed(program: str, words: Sequence[Value], arguments: Arguments, place: Place) -> Iterator[Layer]:
    if program == "sed":
        if not any(word.text.startswith(("-i", "--in-place", "-Ei", "-ri", "-ni")) for word in words):
            return
        files = files_read(program, words)
    else:
        files = arguments.rest
    for word in files:
        yield ChangedLayer(place.path_of(word), f"changed by line {place.line} ({program})", place.view)


def _filled(program: str, arguments: Arguments, place: Place) -> Iterator[Layer]:
    """A folder with files nobody here knows; one that is known to be copied there is still that."""
    if program != "git":
        folder = arguments.value("-C", "--directory", "-d") or Value(".")
        yield _written(folder, f"unpacked by line {place.line}", place, whole=True, certain=False)
        return
    words = arguments.rest
    if len(words) > 1 and words[0].text == "clone":
        name = posixpath.basename(words[1].text.rstrip("/")).removesuffix(".git")
        folder = words[2] if len(words) > 2 else Value(name)
        yield _written(folder, f"cloned by line {place.line}", place, whole=True, certain=False)


def _fetched(program: str, arguments: Arguments, place: Place) -> Iterator[Layer]:
    doubt = f"downloaded by line {place.line}"
    output = arguments.value("-o", "--output") if program == "curl" else arguments.value("-O", "--output-document")
    if output is not None and output.text:
        yield _written(output, doubt, place)
    elif program == "wget" or arguments.has("-O", "--remote-name"):
        folder = arguments.value("-P", "--directory-prefix")
        for url in arguments.rest:
            name = posixpath.basename(url.text.split("?")[0])
            if name:
                yield _written(Value(f"{folder.text}/{name}" if folder else name), doubt, place)
