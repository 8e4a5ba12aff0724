"""Thirty projects, each with dependencies, extras and groups drawn from well-known packages."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

COUNT = 30
# Packages with wheels, so that nothing is built; some with extras and markers, some with a line per Python version.
POOL = (
    "attrs",
    "beautifulsoup4",
    "celery[redis]>=5.3",
    "click<8.2; python_version < '3.12'|click; python_version >= '3.12'",
    "colorama; sys_platform == 'win32'",
    "coverage[toml]",
    "cryptography>=41",
    "django~=4.2",
    "fastapi",
    "Flask[async]>=2,<4",
    "gunicorn; sys_platform != 'win32'",
    "httpx[http2,socks]>=0.24",
    "importlib-metadata; python_version < '3.11'",
    "Jinja2!=3.1.2",
    "jsonschema[format]",
    "markdown-it-py[linkify]",
    "numpy<2; python_version < '3.11'|numpy>=2; python_version >= '3.11'",
    "packaging",
    "pillow",
    "pydantic[email]>=2",
    "pytest",
    "python-dateutil",
    "PyYAML",
    "requests[socks]>=2.28",
    "rich",
    "SQLAlchemy[asyncio]>=2",
    "structlog",
    "tomli; python_version < '3.11'",
    "tqdm",
    "typer",
    "uvicorn[standard]",
    "urllib3<2",
    "watchfiles; platform_python_implementation == 'CPython'",
    "zope.interface",
)


@dataclass(frozen=True)
class Project:
    """What one project asks for."""

    main: tuple[str, ...]
    web: tuple[str, ...]
    cache: tuple[str, ...]
    dev: tuple[str, ...]
    docs: tuple[str, ...]

    def pyproject(self, *, dependency_groups: bool = True, more: str = "") -> str:
        """Return a pyproject.toml; Poetry's optional group is declared in its own way by `more`."""
        groups = f"dev = {_array(self.dev)}\ndocs = {_array(self.docs)}\n"
        return (
            '[project]\nname = "demo"\nversion = "1.0"\nrequires-python = ">=3.10,<4"\n'
            f"dependencies = {_array(self.main)}\n\n"
            f"[project.optional-dependencies]\nweb = {_array(self.web)}\ncache = {_array(self.cache)}\n\n"
            + (f"[dependency-groups]\n{groups}\n" if dependency_groups else "")
            + more
        )


def make_projects(*, lines_per_version: bool = True) -> list[Project]:
    """Return the same thirty projects each time; without lines per Python version for tools that know none."""
    random = Random("thirty projects")
    projects = []
    for _ in range(COUNT):
        names = random.sample(POOL, random.randint(6, 11))
        names = names if lines_per_version else [name.rpartition("|")[2] for name in names]
        cut = sorted(random.sample(range(1, len(names)), 4))
        parts = [names[begin:end] for begin, end in zip([0, *cut], [*cut, len(names)], strict=True)]
        projects.append(Project(*(tuple("|".join(part).split("|")) for part in parts)))
    return projects


def _array(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"
