"""What an input is: its name, kind, default and help, and how the text that people write becomes its value.

Lists are read as docker/build-push-action reads them, quotes and all:
https://github.com/docker/actions-toolkit/blob/3d440bee38d031fd98202e75014415cfc605cf84/src/util.ts#L38-L69
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

from pycache_action.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

Given = str | bool | tuple[str, ...] | list[str]
Value = str | bool | tuple[str, ...]

TRUE = ("true", "True", "TRUE")
FALSE = ("false", "False", "FALSE")


class Kind(enum.Enum):
    """How the text of an input is read; the value is the word README has for it."""

    STRING = "String"
    BOOLEAN = "Boolean"
    CHOICE = "Choice"
    LIST = "List"
    """Items end at a comma or a new line."""
    LINES = "Lines"
    """Items end at a new line; commas belong to them."""


class Section(enum.Enum):
    """A heading of README's table of inputs."""

    BUILD = "What is built"
    OUTPUT = "Where it goes"
    SECRETS = "Secrets"
    LOGIN = "Registry login"
    CACHE = "Cache"
    REPORT = "What is reported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One input, with its four spellings: `name` (action.yml), `variable`, `field` and `--name`.

    `default` is what it is without being given. `action_default` stands in action.yml: an expression only GitHub can
    evaluate, else nothing, so that an empty variable means "not given" and a defaults file can have its say.
    `quotes`: list items may be quoted. `trimmed`: white space around values goes. `in_file`: a defaults file, which
    comes with the code that is built, may set it.
    """

    field: str = ""
    kind: Kind
    section: Section
    help: str
    default: str = ""
    action_default: str = ""
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    secret: bool = False
    in_file: bool = True
    quotes: bool = True
    trimmed: bool = True

    @property
    def name(self) -> str:
        """As in action.yml: `dependency-files`."""
        return self.field.replace("_", "-")

    @property
    def variable(self) -> str:
        """As the runner hands it over: `INPUT_DEPENDENCY-FILES`."""
        return f"INPUT_{self.name.upper()}"

    @property
    def declarations(self) -> tuple[str, ...]:
        """As `click.option` takes them: aliases, then `--dependency-files`, or `--push/--no-push` for booleans."""
        if self.kind is Kind.BOOLEAN and not self.name.startswith("no-"):
            return (self.field, *self.aliases, f"--{self.name}/--no-{self.name}")
        return (self.field, *self.aliases, f"--{self.name}")

    @property
    def description(self) -> str:
        """The help, with the default where there is one to tell."""
        return f"{self.help} Default: `{self.default}`." if self.default else self.help


def option(kind: Kind, section: Section, help: str, **details: Any) -> Any:
    """Declare a dataclass field as an input; `details` are the other fields of `Option`."""
    declared = Option(kind=kind, section=section, help=help, **details)
    return dataclasses.field(
        default=parse_value(declared, declared.default), repr=not declared.secret, metadata={"option": declared}
    )


def parse_value(declared: Option, given: Given) -> Value:
    """Turn what was given for an input into its value. Raises `InputError` with the value seen."""
    if not isinstance(given, bool) and "\0" in "".join(given):
        raise InputError(f"{declared.name}: the value holds a NUL byte", hint="Remove it.")
    match declared.kind:
        case Kind.STRING:
            return _parse_text(declared, given)
        case Kind.BOOLEAN:
            return _parse_boolean(declared, given)
        case Kind.CHOICE:
            return _parse_choice(declared, given)
        case Kind.LIST | Kind.LINES:
            return _parse_items(declared, given)
        case _:
            assert_never(declared.kind)


def suggest(seen: str, known: Iterable[str]) -> str:
    """`Did you mean 'x'? ` where something known is close to what was seen, else nothing."""
    close = difflib.get_close_matches(seen, list(known), 1)
    return f"Did you mean {close[0]!r}? " if close else ""


def split_list(text: str, *, commas: bool, quotes: bool = True, trimmed: bool = True) -> tuple[str, ...]:
    """Cut the text of a list input into its items.

    An item, or a field between commas, may stand in double quotes, in which a quote is written twice; that is how a
    value of several lines is given. `commas=False` keeps commas in their item. Raises `ValueError` on an open quote.
    """
    records = _parse_records(text) if quotes else [[line] for line in re.split(r"\r?\n", text)]
    items: list[str] = []
    for record in records:
        if not commas:
            items.append(",".join(record))
        elif len(record) == 1:
            items.extend(record[0].split(","))
        else:
            items.extend(record)
    return tuple(item for item in (item.strip() if trimmed else item for item in items) if item.strip())


# A field in quotes, with what follows the closing quote (then the quotes are part of the value), or a field without.
_FIELD = re.compile(r'"((?:[^"]|"")*+)"([^,\n]*?)(?=,|\r?\n|\Z)|(?!")([^,\n]*?)(?=,|\r?\n|\Z)')


def _parse_records(text: str) -> list[list[str]]:
    records: list[list[str]] = [[]]
    position = 0
    while True:
        match = _FIELD.match(text, position)
        if match is None:
            line = text.count("\n", 0, position) + 1
            raise ValueError(f"a quote is opened on line {line} and never closed")
        quoted, rest, plain = match.groups()
        if quoted is None:
            records[-1].append(plain)
        else:
            quoted = quoted.replace('""', '"')
            records[-1].append(f'"{quoted}"{rest}' if rest else quoted)
        position = match.end()
        if position == len(text):
            return records
        if text[position] != ",":
            records.append([])
        position += 2 if text[position] == "\r" else 1


def _parse_text(declared: Option, given: Given) -> str:
    match given:
        case bool():
            return "true" if given else "false"
        case str():
            return given.strip() if declared.trimmed else given
        case _:
            raise InputError(f"{declared.name}: a list is given where one value is wanted", hint="Write one value.")


def _parse_boolean(declared: Option, given: Given) -> bool:
    if isinstance(given, bool):
        return given
    text = _parse_text(declared, given)
    if text in TRUE:
        return True
    if text in FALSE or not text:
        return False
    raise InputError(f"{declared.name}: {text!r} is neither true nor false", hint="Write true or false.")


def _parse_choice(declared: Option, given: Given) -> str:
    text = _parse_text(declared, given) or declared.default
    if text in declared.choices:
        return text
    choices = ", ".join(declared.choices)
    raise InputError(
        f"{declared.name}: {text!r} is not known",
        hint=f"{suggest(text.lower(), declared.choices)}It may be one of: {choices}.",
    )


def _parse_items(declared: Option, given: Given) -> tuple[str, ...]:
    commas = declared.kind is Kind.LIST
    match given:
        case bool():
            raise InputError(f"{declared.name}: {given} is given where a list is wanted", hint="Write a list.")
        case str():
            texts = [given.strip() if declared.trimmed else given]
        case _ if commas:
            texts = list(given)
        case _:
            return tuple(item.strip() if declared.trimmed else item for item in given if item.strip())
    try:
        return tuple(
            item
            for text in texts
            for item in split_list(text, commas=commas, quotes=declared.quotes, trimmed=declared.trimmed)
        )
    except ValueError as error:
        raise InputError(
            f"{declared.name}: {error}", hint='Close it, or write a quote inside quotes twice: "".'
        ) from error
