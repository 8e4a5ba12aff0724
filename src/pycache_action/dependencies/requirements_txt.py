"""requirements.txt and constraints files, as pip reads them.

Written for this purpose on top of `packaging` because no library gives the meaning alone: pip's own parser is internal
and expands environment variables. The rules followed are those of pip's req_file.py
(https://github.com/pypa/pip/blob/25.2/src/pip/_internal/req/req_file.py), with two exceptions: environment variables
stay unexpanded, since they belong to the build and not to this machine, and what is not UTF-8 and does not say so is a
problem, since the encoding of the image's locale is not known here.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from functools import cache
from optparse import OptionParser, Values
from typing import TYPE_CHECKING, Any, NoReturn

from packaging.utils import canonicalize_name

from pycache_action.dependencies.conditions import MAX_MARKERS
from pycache_action.dependencies.formats import UNORDERED, Asked, Include, Option, Parsed
from pycache_action.dependencies.locations import URL, canonical_index, without_credentials
from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.model import Requirement, Source
from pycache_action.dependencies.requirement import parse_pip_argument

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 16 * 1024 * 1024
_MAX_LINES = 400_000
_MAX_LINE = 128 * 1024
_MAX_ENTRIES = 20_000  # requirements and options of one file

# UTF-32 first: the mark of UTF-16 is the beginning of the mark of UTF-32.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")
_FIRST_OPTION = re.compile(r"(?:^|\s)-")
# Words as a POSIX shell splits them; in linear time, which shlex is too slow for.
_WORD = re.compile(r"""\s*((?:[^\s'"\\]|'[^']*'|"(?:[^"\\]|\\.)*"|\\.)+)""")
_HASH = re.compile(r"[a-z][a-z0-9_]*:[0-9a-fA-F]+")
_QUOTED = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)""")

_GRAPH = "graph"
_OF_REQUIREMENT = "requirement"
# spellings (the first is the canonical one), family, whether it takes a value
_OPTIONS: tuple[tuple[tuple[str, ...], str, bool], ...] = (
    (("--requirement", "-r"), _GRAPH, True),
    (("--constraint", "-c"), _GRAPH, True),
    (("--editable", "-e"), _OF_REQUIREMENT, True),
    (("--hash",), _OF_REQUIREMENT, True),
    (("--config-settings", "--config-setting", "-C"), _OF_REQUIREMENT, True),
    (("--global-option",), _OF_REQUIREMENT, True),
    (("--install-option",), _OF_REQUIREMENT, True),
    (("--index-url", "-i", "--pypi-url"), "index", True),
    (("--extra-index-url",), "index", True),
    (("--no-index",), "index", False),
    (("--find-links", "-f"), "index", True),
    (("--no-binary",), "binary", True),
    (("--only-binary",), "binary", True),
    (("--pre",), "release", False),
    (("--all-releases",), "release", True),
    (("--only-final",), "release", True),
    (("--require-hashes",), "hashes", False),
    (("--no-require-hashes",), "hashes", False),
    (("--prefer-binary",), UNORDERED, False),
    (("--trusted-host",), UNORDERED, True),
    (("--use-feature",), UNORDERED, True),
    (("--process-dependency-links",), UNORDERED, False),
    (("--always-unzip", "-Z"), UNORDERED, False),
)
_FAMILY = {spellings[0]: family for spellings, family, _ in _OPTIONS}


def parse_requirements_txt(content: bytes, asked: Asked) -> Parsed:
    """Return the requirements, options and included files; the first line that pip would refuse is the problem."""
    found = _Found()
    line = 0
    try:
        for line, logical in _logical_lines(_decode(content)):
            _read_line(logical, Source(asked.path, line), found)
            found.check_size()
    except MalformedError as error:
        error.line = line
        return Parsed(directives=tuple(found.directives), problem=error.problem(asked.path))
    return Parsed(requirements=tuple(found.requirements), directives=tuple(found.directives))


@dataclass(slots=True)
class _Found:
    requirements: list[Requirement] = field(default_factory=list)
    directives: list[Option | Include] = field(default_factory=list)
    markers: set[str] = field(default_factory=set)

    def check_size(self) -> None:
        if len(self.requirements) + len(self.directives) > _MAX_ENTRIES:
            raise MalformedError(f"at most {_MAX_ENTRIES} requirements and options")
        self.markers.update(one.marker for one in self.requirements[-1:])
        if len(self.markers) > MAX_MARKERS:  # each takes up to milliseconds
            raise MalformedError(f"at most {MAX_MARKERS} different markers")


def _decode(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content[len(mark) :], encoding)
    for line in content.split(b"\n", 2)[:2]:
        if line.startswith(b"#") and (named := _CODING.search(line[:256])):
            return _decoded(content, named[1].decode("ascii"))
    return _decoded(content, "utf-8")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        if codecs.lookup(encoding).name in ("idna", "punycode"):  # host names; minutes of work for a large file
            raise LookupError(encoding)
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise MalformedError(f"text in {encoding}", repr(content[error.start : error.start + 12])) from error
    except (UnicodeError, LookupError, ValueError) as error:
        raise MalformedError("an encoding that Python knows", encoding) from error


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line that says something, with the number of its first line, continuations joined, comments gone."""
    if text.count("\n") > _MAX_LINES:
        raise MalformedError(f"at most {_MAX_LINES} lines", "")
    joined: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), start=1):
        first = first if joined else number
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            joined.append(line.strip("\\"))
            continue
        # A comment ends a continued line, and the line before it must not run into its '#'.
        logical = _without_comment("".join((*joined, " ", line) if is_comment else (*joined, line)))
        joined = []
        if logical:
            yield first, logical
    if joined and (logical := _without_comment("".join(joined))):
        yield first, logical


def _without_comment(line: str) -> str:
    """Cut a line at the first '#' that begins it or follows white space: elsewhere it belongs to a URL."""
    position = line.find("#")
    while position > 0 and not line[position - 1].isspace():
        position = line.find("#", position + 1)
    return (line if position < 0 else line[:position]).strip()


def _read_line(line: str, source: Source, found: _Found) -> None:
    if len(line) > _MAX_LINE:
        raise MalformedError(f"a line of at most {_MAX_LINE} characters", line)
    if not line.replace("\t", " ").isprintable():
        raise MalformedError("a line without control characters", line)
    begin = _FIRST_OPTION.search(line)
    argument = line[: begin.start()].strip() if begin else line
    options = _parse_options(line[begin.start() :].strip()) if begin else []
    named = [argument] if argument else []
    editables = [value for name, value in options if name == "--editable"]
    if len(named) + len(editables) > 1:
        raise MalformedError("one requirement on a line", line)
    for text in (*named, *editables):
        found.requirements.append(_parse_requirement(text, options, source, editable=not named))
    is_requirement = bool(named or editables)
    found.directives.extend(
        _directive(name, value, source, alone=not is_requirement)
        for name, value in options
        if _FAMILY[name] != _OF_REQUIREMENT
    )


def _parse_requirement(text: str, options: list[tuple[str, str]], source: Source, *, editable: bool) -> Requirement:
    hashes = [_checked_hash(value) for name, value in options if name == "--hash"]
    others = [(name, value) for name, value in options if name not in ("--hash", "--editable")]
    settings = [f"{name} {without_credentials(value)}" for name, value in others if _FAMILY[name] == _OF_REQUIREMENT]
    return parse_pip_argument(text, source, editable=editable, hashes=hashes, options=settings)


def _directive(name: str, value: str, source: Source, *, alone: bool) -> Option | Include:
    family = _FAMILY[name]
    if family != _GRAPH:
        return Option(family, _canonical_option(name, value))
    if not alone:
        raise MalformedError(f"{name} on a line of its own", value)
    if URL.match(value):
        # pip would fetch it; what it holds is not known here, as with an index.
        return Option(UNORDERED, f"{name} {canonical_index(value)}")
    return Include(value, "requirements" if name == "--requirement" else "constraints", source.line)


def _canonical_option(name: str, value: str) -> str:
    match name:
        case "--index-url" | "--extra-index-url" | "--find-links":
            try:
                return f"{name} {canonical_index(value)}"
            except ValueError as error:
                raise MalformedError(f"a URL or a folder ({error})", value) from error
        case "--no-binary" | "--only-binary" | "--all-releases" | "--only-final":
            names = [one.strip() for one in value.split(",")]
            # ':all:' and ':none:' act on what was named before them, so the order counts then.
            plain = not any(one.startswith(":") for one in names)
            canonical = sorted({canonicalize_name(one) for one in names}) if plain else names
            return f"{name} {','.join(canonical)}"
        case "--trusted-host":
            return f"{name} {value.lower()}"
        case _:
            return f"{name} {value}".strip()


def _checked_hash(value: str) -> str:
    if not _HASH.fullmatch(value):
        raise MalformedError("--hash=sha256: and hexadecimal digits", value)
    return value


def _parse_options(text: str) -> list[tuple[str, str]]:
    """Return the options of one line as (canonical name, value), in order. Raises MalformedError as pip would refuse them."""
    words = _split_words(text)
    if all(word.startswith("--hash=") for word in words):  # nearly all words of a file with hashes
        return [("--hash", word.removeprefix("--hash=")) for word in words]
    values = Values({"seen": []})
    _, left_over = _line_parser().parse_args(words, values)
    if left_over:
        raise MalformedError("nothing but options after an option", " ".join(left_over))
    seen: list[tuple[str, str]] = values.seen
    return seen


def _split_words(text: str) -> list[str]:
    if not any(quote in text for quote in "'\"\\"):
        return text.split()
    words: list[str] = []
    position = 0
    while position < len(text):
        word = _WORD.match(text, position)
        if not word:
            raise MalformedError("a closing quotation mark", text[position:])
        words.append(_QUOTED.sub(_unquoted, word[1]))
        position = word.end()
    return words


def _unquoted(quoted: re.Match[str]) -> str:
    single, double, escaped = quoted.groups()
    if double is not None:
        return re.sub(r'\\(["\\])', r"\1", double)
    return single if single is not None else escaped


class _LineParser(OptionParser):
    def error(self, msg: str) -> NoReturn:
        raise MalformedError("an option that pip takes in a requirements file", msg)


@cache
def _line_parser() -> OptionParser:
    """pip reads these lines with optparse, so abbreviations and `--name=value` are understood alike."""
    parser = _LineParser(add_help_option=False)
    for spellings, _, takes_value in _OPTIONS:
        parser.add_option(
            *spellings,
            action="callback",
            type="string" if takes_value else None,
            callback=_keep,
            callback_args=(spellings[0],),
        )
    return parser


def _keep(_option: Any, _spelling: str, value: str | None, parser: OptionParser, name: str) -> None:
    values: Any = parser.values
    values.seen.append((name, value or ""))
