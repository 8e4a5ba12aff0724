"""The defaults file of a project or an organisation: `.github/pycache.yml`, a mapping of input names to values.

It comes with the code that is built, which may be a stranger's pull request: so it cannot hand out secrets, privileges
or paths of the runner, nor say where things are pushed. Those inputs belong in the workflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from pycache_action.errors import InputError
from pycache_action.inputs import OPTIONS
from pycache_action.settings import Given, Option, parse_value, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

DEFAULTS_FILE = ".github/pycache.yml"
MAX_BYTES = 64 * 1024
MAX_DEPTH = 4
NULL = "tag:yaml.org,2002:null"


def read_defaults(path: Path) -> Mapping[str, Given]:
    """Return what the file gives, by field name and checked; nothing where there is no such file.

    Raises `InputError` with file and line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}", hint="It should be a file of text.") from error
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: larger than {MAX_BYTES // 1024} kB", hint="It needs a line for each input only.")
    return parse_defaults(data, str(path))


def parse_defaults(data: bytes, name: str = DEFAULTS_FILE) -> Mapping[str, Given]:
    """Return what the text of a defaults file gives, by field name and checked. Raises `InputError`."""
    try:
        text = data.decode("utf-8-sig")
        _check_shape(text, name)
        # The tree, not the values: it has the lines, and scalars as they are written (no `on` for `true`, 3.10 stays).
        root = yaml.compose(text, yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8", hint="Save the file as UTF-8.") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{name}:{line}: not YAML: {error.problem}", hint="Write `input: value` lines.") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{name}: not YAML that can be read", hint="Write `input: value` lines.") from error
    if root is None or root.tag == NULL:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise InputError(f"{_place(name, root)}: not a mapping", hint="Write `input: value` lines.")
    return dict(_parse_entries(root, name))


def _check_shape(text: str, name: str) -> None:
    """Refuse aliases and deep nesting, whose cost grows faster than the file, before anything is built from it."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise InputError(f"{_place(name, event)}: a YAML alias (*name)", hint="Write the value out.")
        if depth > MAX_DEPTH:
            raise InputError(f"{_place(name, event)}: nested too deeply", hint="Write `input: value` lines.")


def _parse_entries(root: yaml.MappingNode, name: str) -> Iterable[tuple[str, Given]]:
    options = {declared.name: declared for declared in OPTIONS}
    seen: set[str] = set()
    for key, value in root.value:
        place = _place(name, key)
        declared = options.get(key.value) if isinstance(key, yaml.ScalarNode) else None
        if declared is None:
            shown = repr(key.value) if isinstance(key, yaml.ScalarNode) else "a list or mapping"
            hint = suggest(key.value, options) if isinstance(key, yaml.ScalarNode) else ""
            raise InputError(f"{place}: {shown} is not an input", hint=f"{hint}README lists the inputs.")
        if not declared.in_file:
            raise InputError(
                f"{place}: {declared.name} cannot be set here",
                hint="This file comes with the code that is built. Give this input in the workflow, under `with:`.",
            )
        if declared.name in seen:
            raise InputError(f"{place}: {declared.name} is set twice", hint="Keep one of the two.")
        seen.add(declared.name)
        given = _parse_given(declared, value, name)
        if given not in ("", ()):
            try:
                yield declared.field, parse_value(declared, given)
            except InputError as error:
                raise InputError(f"{_place(name, value)}: {error.message}", hint=error.hint) from error


def _parse_given(declared: Option, node: yaml.Node, name: str) -> str | tuple[str, ...]:
    match node:
        case yaml.ScalarNode() if node.tag == NULL:
            return ""
        case yaml.ScalarNode(value=str(text)):
            return text
        case yaml.SequenceNode(value=list(items)) if all(isinstance(item, yaml.ScalarNode) for item in items):
            return tuple(item.value for item in items)
        case _:
            raise InputError(
                f"{_place(name, node)}: {declared.name} is neither text nor a list of texts",
                hint="Write one value, or a list with one value a line.",
            )


def _place(name: str, node: yaml.Node | yaml.Event) -> str:
    return f"{name}:{node.start_mark.line + 1 if node.start_mark else 1}"
