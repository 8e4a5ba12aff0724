"""Text from builds, files, branches and pull requests, made so that what is shown is all there is.

Nothing that comes out moves a cursor, colours, turns the direction of reading, or takes no room; such characters are
shown by their code instead. Escaping for Markdown or workflow commands comes on top, where the text is put.
"""

from __future__ import annotations

import re
import unicodedata

SHORTENED = "…"

# ECMA-48: control sequences, then strings up to their end (titles, links), then two-character sequences.
_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]"
)
_ADDRESS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<user>[^\s/?#@\"'`]*@)?(?P<path>[^\s?\"'`]*)(?P<query>\?[^\s\"'`]*)?"
)
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def one_line(text: str, limit: int = 0) -> str:
    """The text on one line, spaces between what were lines; `limit` characters at most, an ellipsis among them.

    Addresses lose what may be secret in them: errors of a cache quote links that are signed in their query.
    """
    return _cut(_clean(" ".join(hide_credentials(_strip(text, limit)).split())), limit)


def hide_credentials(text: str) -> str:
    """The text with `***` for user, password and query of every address in it."""
    return _ADDRESS.sub(_hide_in_address, text) if "://" in text else text


def lines_of(text: str, *, last: int = 0, limit: int = 0) -> tuple[str, ...]:
    """The lines of a log as a terminal would have shown them in the end, `last` of them, indentation kept.

    A progress bar that was drawn over and over is its last state.
    """
    found = [_overwritten(line) for line in _strip(text, 0).split("\n")]
    while found and not found[-1].strip():
        found.pop()
    return tuple(_indented(line, limit) for line in (found[-last:] if last else found))


def _hide_in_address(address: re.Match[str]) -> str:
    user = "***@" if address["user"] else ""
    return f"{address['scheme']}{user}{address['path']}{'?***' if address['query'] else ''}"


def _indented(line: str, limit: int) -> str:
    body = line.expandtabs().lstrip()
    indent = " " * min(len(line.expandtabs()) - len(body), 40)
    return _cut(indent + _clean(_strip(body, limit).rstrip()), limit)


def _strip(text: str, limit: int) -> str:
    """Take escape sequences away; of a text much longer than `limit`, look at no more than can be seen of it."""
    return _ESCAPE_SEQUENCE.sub("", text[: 20 * limit] if limit else text)


def _clean(text: str) -> str:
    return text if text.isascii() and text.isprintable() else "".join(map(_show, text))


def _cut(text: str, limit: int) -> str:
    return text if not limit or len(text) <= limit else text[: limit - 1] + SHORTENED


def _overwritten(line: str) -> str:
    return next((part for part in reversed(line.split("\r")) if part.strip()), "")


def _show(character: str) -> str:
    if character.isascii() and character.isprintable():
        return character
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if category in _HIDDEN_CATEGORIES or character in _BLANK or _is_variation_selector(character):
        code = ord(character)
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return character


def _is_variation_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
