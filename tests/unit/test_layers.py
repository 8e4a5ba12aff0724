"""The order of the house: a module imports from its own stage and earlier ones, never from later ones."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
PACKAGE = "pycache_action"

STAGES: tuple[tuple[str, ...], ...] = (
    ("", "errors", "process", "untrusted", "outputs", "installed", "settings", "buildx.attributes"),
    ("inputs", "defaults", "visible_paths", "registry_login"),
    ("dependencies", "dockerfile"),
    ("buildx",),
    ("cache",),
    ("failure", "plan", "project", "copied_files", "causes", "job"),
    ("build", "record", "save", "diagnose"),
    ("findings",),
    ("report",),
    ("progress", "wording", "changes"),
    ("run",),
    ("github", "terminal", "templates"),
    ("publish",),
    ("action", "cli"),
)
"""First to last; the longest name that fits a module is its stage's."""

EDGES = ("action", "cli")


def modules() -> dict[str, Path]:
    """Every module, by its name below the package."""
    found: dict[str, Path] = {}
    for file in sorted((SOURCE / PACKAGE).rglob("*.py")):
        parts = file.relative_to(SOURCE / PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = file
    return found


MODULES = modules()


def stage_of(module: str) -> int:
    fitting = {
        name: number
        for number, names in enumerate(STAGES)
        for name in names
        if module == name or (name and module.startswith(f"{name}."))
    }
    assert fitting, f"{module} belongs to no stage: give it one here"
    return fitting[max(fitting, key=len)]


def imports_of(module: str) -> set[str]:
    """Our own modules that this one imports, for types alone included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        match node:
            case ast.Import(names=names):
                found |= {name.name for name in names}
            case ast.ImportFrom(module=str(source), level=0, names=names):
                found |= {
                    f"{source}.{name.name}" if _below(f"{source}.{name.name}") in MODULES else source for name in names
                }
            case ast.ImportFrom(level=level) if level:
                raise AssertionError(f"{module} imports relatively")
    return {_below(name) for name in found if name == PACKAGE or name.startswith(f"{PACKAGE}.")}


def _below(name: str) -> str:
    return name.removeprefix(PACKAGE).removeprefix(".")


def all_imports(module: str) -> set[str]:
    """Every module's name that this one imports, ours or not."""
    tree = ast.parse(MODULES[module].read_text())
    plain = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    return plain | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


@pytest.mark.parametrize("module", MODULES)
def test_layers__nothing_imports_from_a_later_stage(module: str) -> None:
    later = {name for name in imports_of(module) if stage_of(name) > stage_of(module)}
    assert not later


@pytest.mark.parametrize("module", sorted(set(MODULES) - set(EDGES)))
def test_layers__nothing_imports_the_edges(module: str) -> None:
    assert not imports_of(module) & set(EDGES)


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"process"}))
def test_layers__only_process_starts_programs(module: str) -> None:
    assert not all_imports(module) & {"subprocess", "multiprocessing", "pty", "asyncio"}
    assert "os.system" not in MODULES[module].read_text()


@pytest.mark.parametrize("module", sorted(set(MODULES) - set(EDGES)))
def test_layers__only_the_edges_read_the_environment(module: str) -> None:
    names = {node.attr for node in ast.walk(ast.parse(MODULES[module].read_text())) if isinstance(node, ast.Attribute)}
    assert not names & {"environ", "environb", "getenv"}


def test_layers__modules_do_not_import_each_other() -> None:
    """In circles, that is: whatever is only imported for types included."""
    done: set[str] = set()
    for module in MODULES:
        _walk(module, (), done)


def _walk(module: str, above: tuple[str, ...], done: set[str]) -> None:
    assert module not in above, " -> ".join([*above[above.index(module) :], module])
    if module in done:
        return
    for name in sorted(imports_of(module) - {module, ""}):
        _walk(name, (*above, module), done)
    done.add(module)
