"""Pipfile.lock: https://pipenv.pypa.io/en/latest/pipfile.html#pipfile-lock-json-format"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pycache_action.dependencies.formats import Parsed
from pycache_action.dependencies.malformed import MalformedError
from pycache_action.dependencies.model import Source
from pycache_action.dependencies.pipfile import choose_categories, index_options, read_package, read_sources
from pycache_action.dependencies.structure import at, table
from pycache_action.dependencies.toml_text import parse_toml

if TYPE_CHECKING:
    from pycache_action.dependencies.formats import Asked

_MAX_CONTAINERS = 300_000
_MAX_ELEMENTS = 3_000_000


def parse_pipfile_lock(content: bytes, asked: Asked) -> Parsed:
    """Return the packages of the categories that are asked for.

    The hashes of all systems stand together, without names: one that is added for another system is another meaning.
    """
    text, document = _parse_json(content)
    sources = read_sources(at(document, "_meta").get("sources"))
    direct = _read_direct(asked)
    requirements = []
    for section in sorted(choose_categories(asked.selection, [name for name in document if name != "_meta"])):
        place = max(text.find(f'"{section}": {{'), 0)
        line = text.count("\n", 0, place) + 1
        for name, value in table(document[section], section).items():
            found = text.find(f'"{name}": {{', place)
            if found >= 0:
                line += text.count("\n", place, found)
                place = found
            requirement = read_package(name, value, sources, Source(asked.path, line))
            requirements.append(replace(requirement, direct=direct is None or requirement.name in direct))
    return Parsed(requirements=tuple(requirements), directives=tuple(index_options(sources)))


def _parse_json(content: bytes) -> tuple[str, dict[str, object]]:
    if content.count(b"{") + content.count(b"[") > _MAX_CONTAINERS or content.count(b",") > _MAX_ELEMENTS:
        raise MalformedError("a file of reasonable size")
    try:
        text = content.decode("utf-8-sig")
        return text, table(json.loads(text), "the file")
    except json.JSONDecodeError as error:
        begin = error.doc.rfind("\n", 0, error.pos) + 1
        seen = error.doc[begin : begin + 200].partition("\n")[0].strip()
        raise MalformedError(f"valid JSON ({error.msg.lower()})", seen, error.lineno) from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise MalformedError("text in UTF-8", repr(content[error.start : error.start + 12]), line) from error
    except (ValueError, RecursionError) as error:
        raise MalformedError("JSON that is not nested thousands deep") from error


def _read_direct(asked: Asked) -> set[str] | None:
    """Return the names that the Pipfile beside the lock asks for; None where there is none to read."""
    content = asked.read_beside("Pipfile")
    if content is None:
        return None
    try:
        toml = parse_toml(content)
    except MalformedError:
        return None
    sections = choose_categories(
        asked.selection, [name for name, value in toml.data.items() if isinstance(value, dict)]
    )
    return {canonicalize_name(name) for section in sections for name in table(toml.data[section], section)}
