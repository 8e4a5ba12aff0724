"""A Docker Engine, a registry and new runners for tests and demo, on a machine that may have none of them.

    engine = ensure_engine()
    with fresh_runner(engine) as runner:
        ...                       # builds with runner.environ, pushes to engine.registry

From the command line: `python -m tools.engine up | down | env | fresh | gone | tools`.
"""

from tools.engine.engine import Engine, Registry, Runner, ensure_engine, fresh_runner, start_registry
from tools.engine.steps import EngineError
from tools.engine.toolbox import Tools, ensure_tools

__all__ = [
    "Engine",
    "EngineError",
    "Registry",
    "Runner",
    "Tools",
    "ensure_engine",
    "ensure_tools",
    "fresh_runner",
    "start_registry",
]
