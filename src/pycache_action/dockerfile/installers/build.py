"""Commands that build the project's own package, for another command to install: `python -m build`, `uv build`.

And `python setup.py`, which did both: https://packaging.python.org/en/latest/discussions/setup-py-deprecated/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pycache_action.dockerfile.installers.request import Local, Request, Tool, option_table, read_options
from pycache_action.dockerfile.shell.words import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

_TABLE: Final = option_table(
    "-o|--out-dir|--outdir|--output|--output-dir -d|--dest|--dist-dir --package --project --directory -p|--python "
    "-C|--config-setting --config-settings -b|--build-constraint --build-constraints -f|--format --target -t|--bdist-dir "
    "--installer --index --default-index -i|--index-url --extra-index-url --find-links --cache-dir --python-tag",
    "-w|--wheel -s|--sdist -n|--no-isolation -x|--skip-dependency-check --all-packages --all -q|--quiet -v|--verbose "
    "-c|--clean --no-sdist --no-wheel --no-sources --require-hashes --clear --no-cache --offline -h|--help --universal",
)


def read_build(tool: Tool, words: Sequence[Value]) -> Request:
    """What the words after `build` make: a folder of packages whose dependencies are the project's."""
    options = read_options(words, _TABLE)
    start = options.value("--directory") or options.value("--project")
    folder = options.rest[0] if options.rest else start or Value(".")
    default = Value("dist" if folder.text == "." or tool in ("poetry", "uv") else f"{folder.text}/dist")
    if start is not None and not options.rest:
        default = Value(f"{start.text}/dist")
    output = options.value("--output-dir") or options.value("--dist-dir") or default
    return Request(
        tool=tool, kind="export", local=(Local(path=folder),), output=output, whole=True, notes=tuple(options.notes)
    )


def read_setup_py(words: Sequence[Value]) -> Request | None:
    """`python setup.py install`, `develop` and `bdist_wheel`, the words after `setup.py`."""
    commands = [word.text for word in words if not word.text.startswith("-")]
    here = (Local(path=Value(".")),)
    if "install" in commands or "develop" in commands:
        return Request(tool="pip", local=here)
    if {"bdist_wheel", "bdist", "sdist"}.intersection(commands):
        return read_build("pip", [word for word in words if word.text.startswith("-")])
    return None
