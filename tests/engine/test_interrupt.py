"""Whatever ends us ends the build too, and leaves nothing half-saved behind."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.engine.harness import find_children, is_alive
from tests.engine.images import read_tags
from tests.support.faults import Pass, Slow
from tests.support.faulty import FaultyProxy

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.engine.harness import Product, Project
    from tools.engine import Engine

ENDS_WITHIN = 10.0


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it never came to that"
        time.sleep(0.05)


def runs_child(process: subprocess.Popen[str], *words: str) -> bool:
    """Whether a child's command line has all the words."""
    for pid in find_children(process.pid):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:
            continue
        if all(word in line for word in words):
            return True
    return False


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[float, str]:
    """Sends the signal; the seconds until all of it has ended, and what it said."""
    children = find_children(process.pid)
    started = time.monotonic()
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    wait_for(lambda: not any(is_alive(pid) for pid in children), 20)
    return time.monotonic() - started, output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_build__ended_while_it_installs(
    number: signal.Signals, project: Project, cache: str, pycache: Product, engine: Engine, name: str
) -> None:
    project.edit("Dockerfile", "RUN pip install -r", "RUN echo begun && sleep 600 && pip install -r")
    process = pycache.start("build", str(project.folder), "--cache", cache, "--output", "type=cacheonly")
    wait_for(lambda: runs_child(process, "--metadata-file"))
    time.sleep(1)
    seconds, output = end(process, number)
    assert process.returncode == 130, output
    assert seconds < ENDS_WITHIN
    assert "Traceback" not in output
    assert "nothing was saved" in output
    assert read_tags(engine.registry, f"engine-tests/cache/{name}") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_build__ended_while_it_saves(
    number: signal.Signals, project: Project, pycache: Product, engine: Engine, name: str
) -> None:
    project.edit("Dockerfile", "COPY . .", "COPY . .\nRUN head -c 20000000 /dev/urandom > /payload")
    with FaultyProxy(engine.registry) as proxy:
        repository = f"engine-tests/cache/{name}"
        options = ("--cache", f"registry,ref={proxy.address}/{repository}", "--output", "type=cacheonly")
        process = pycache.start("build", str(project.folder), *options)
        wait_for(lambda: runs_child(process, "--metadata-file"))
        proxy.mode = Slow(2_000_000)
        wait_for(lambda: runs_child(process, "--cache-to"))
        time.sleep(2)
        if number == signal.SIGKILL:
            process.kill()
            process.communicate()
        else:
            seconds, output = end(process, number)
            assert process.returncode == 130, output
            assert seconds < ENDS_WITHIN
        assert not any(tag.endswith(".manifest") for tag in read_tags(engine.registry, repository))
        proxy.mode = Pass()
        again = pycache.build(project, *options)
        assert again.exit_code == 0, again
        assert again.report["warnings"] == [], again
        assert again.report["saved"]["reason"] == "", again
        last = pycache.build(project, *options)
        assert last.report["result"] == "hit", last
