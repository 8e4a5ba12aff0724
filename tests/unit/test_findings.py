"""Every install step is told, cached or not, against the build before; large builds are told at once."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.recordings.projects import PIP, Shop, make_job
from tests.recordings.session import read_session
from tests.recordings.written import trace_of
from tests.unit.test_record import read_built

from pycache_action.build import Built
from pycache_action.buildx.provenance import Metadata, Provenance, parse_metadata
from pycache_action.buildx.trace import Trace, Vertex
from pycache_action.cache.backend import Off, Unavailable
from pycache_action.cache.lookup import Lookup
from pycache_action.cache.manifest import Manifest, parse_manifest, render_manifest
from pycache_action.cache.store import Absent
from pycache_action.findings import Findings, find, next_manifest
from pycache_action.inputs import Inputs
from pycache_action.job import Identity, Job
from pycache_action.plan import make_plan
from pycache_action.project import Project, read_project
from pycache_action.report import Report, make_report
from pycache_action.save import NotSaved

if TYPE_CHECKING:
    from pathlib import Path

IDENTITY = Identity(scope="shop", key="shop-1")
INSTALL = "RUN --mount=type=bind,source=wheels,target=/wheels     pip install --no-cache-dir --no-index --find-links=/wheels -r requirements.txt"


def read_shop(root: Path, shop: Shop) -> Project:
    shop.write(root)
    return read_project(Inputs.from_values({"context": str(root)}), root)


def find_in(
    root: Path,
    built: Built,
    previous: Manifest | Absent | Unavailable,
    *,
    shop: Shop | None = None,
    job: Job | None = None,
) -> Findings:
    shop = shop or Shop()
    return find(job or make_job(shop), read_shop(root, shop), Lookup(previous=previous), built)


def saved_manifest(root: Path) -> Manifest:
    """The manifest of the recorded cold build."""
    shop = Shop()
    findings = find_in(root, read_built("pip-cold"), Absent())
    return parse_manifest(render_manifest(next_manifest(IDENTITY, "main", read_shop(root, shop), findings)))


def test_find__cached_steps_tell_what_they_took_when_they_ran(tmp_path: Path) -> None:
    manifest = saved_manifest(tmp_path)
    findings = find_in(tmp_path, read_built("pip-unchanged"), manifest)
    (step,) = findings.steps
    assert step.cached
    assert step.seconds == 0
    assert not findings.installed
    assert findings.seconds_saved == pytest.approx(manifest.installs[0].seconds)
    assert step.packages is not None
    assert (step.packages.total, step.packages.installed, step.packages.cached) == (3, 0, 3)


def test_find__what_a_cached_step_took_is_handed_on(tmp_path: Path) -> None:
    manifest = saved_manifest(tmp_path)
    findings = find_in(tmp_path, read_built("pip-unchanged"), manifest)
    again = next_manifest(IDENTITY, "main", read_shop(tmp_path, Shop()), findings)
    assert again.installs[0].seconds == manifest.installs[0].seconds
    assert again.installs[0].packages == 3
    assert again.salt == manifest.salt


def test_find__no_cache_was_asked_for(tmp_path: Path) -> None:
    shop = Shop(inputs={"no_cache": True})
    (cause,) = find_in(tmp_path, read_built("pip-cold"), Absent(), shop=shop).steps[0].causes
    assert cause.id == "cache-disabled"


def test_find__cache_off(tmp_path: Path) -> None:
    job = replace(make_job(Shop()), backend=Off())
    (cause,) = find_in(tmp_path, read_built("pip-cold"), Absent(), job=job).steps[0].causes
    assert cause.id == "cache-disabled"


def test_find__a_cache_that_was_given_up(tmp_path: Path) -> None:
    built = replace(read_built("pip-cold"), cache_fault="layers came from the cache at 3 kB/s")
    (cause,) = find_in(tmp_path, built, saved_manifest(tmp_path)).steps[0].causes
    assert cause.id == "cache-unreadable"
    assert "3 kB/s" in cause.message


def test_find__a_build_that_failed_is_told_by_names(tmp_path: Path) -> None:
    trace = trace_of(f"[stage-0 1/5] FROM python:3.11-slim  cached\n[stage-0 4/5] {INSTALL}  failed: exit code: 1")
    built = Built(exit_code=1, trace=trace, metadata=Metadata({}, Provenance()), seconds=1.0)
    (step,) = find_in(tmp_path, built, Absent()).steps
    assert (step.line, step.stage, step.cached) == (5, "stage-0", False)


def test_find__a_build_that_never_came_to_the_install(tmp_path: Path) -> None:
    built = Built(exit_code=1, trace=Trace(), metadata=Metadata({}, Provenance()), seconds=1.0)
    findings = find_in(tmp_path, built, Absent())
    assert findings.steps == ()
    assert findings.seconds_saved is None


def test_find__a_manifest_from_the_future(tmp_path: Path) -> None:
    manifest = saved_manifest(tmp_path)
    later = replace(manifest, keys=tuple(replace(key, saved_at=9e11) for key in manifest.keys))
    (cause,) = find_in(tmp_path, read_built("pip-cold"), later).steps[0].causes
    assert cause.id == "cache-evicted"
    assert "saved 0 hours ago" in cause.message


def test_next_manifest__keeps_keys_of_its_own_branch_only(tmp_path: Path) -> None:
    manifest = saved_manifest(tmp_path)
    project = read_shop(tmp_path, Shop())
    findings = find_in(tmp_path, read_built("pip-cold"), manifest)
    other = Identity(scope="shop", key="shop-2")
    assert [key.key for key in next_manifest(other, "main", project, findings).keys] == ["shop-1", "shop-2"]
    assert [key.key for key in next_manifest(other, "feature", project, findings).keys] == ["shop-2"]
    assert [key.key for key in next_manifest(IDENTITY, "main", project, findings).keys] == ["shop-1"]


STEPS = 500
PACKAGES = 2000


def large_metadata() -> Metadata:
    """A recorded build with hundreds of stages beside."""
    document = json.loads(read_session("pip-cold")[1].files["{temp}/metadata.json"])
    config = document["buildx.build.provenance"]["buildConfig"]
    template = next(node for node in config["llbDefinition"] if "exec" in node["op"].get("Op", {}))
    for number in range(STEPS):
        config["llbDefinition"].append({**template, "id": f"extra{number}"})
        config["digestMapping"][f"sha256:extra{number}"] = f"extra{number}"
    return parse_metadata(json.dumps(document))


def tell(root: Path, job: Job, project: Project, built: Built, previous: Manifest | Absent) -> tuple[Report, Findings]:
    lookup = Lookup(previous=previous)
    findings = find(job, project, lookup, built)
    plan = make_plan(project.installs)
    return make_report(job, IDENTITY, project, lookup, plan, built, findings, NotSaved(reason="x"), 1.0), findings


def test_find__500_steps_and_2000_packages_at_once(tmp_path: Path) -> None:
    """A third of a second where nothing else runs; the bound leaves room for a busy machine."""
    pins = "".join(f"package-{number}==1.{{}} --hash=sha256:{number:064x}\n" for number in range(PACKAGES))
    job = make_job(Shop())
    recorded = read_built("pip-cold")
    extra = tuple(
        Vertex(digest=f"sha256:extra{n}", name=f"[x {n}/9] RUN x", started=1.0, completed=2.0) for n in range(STEPS)
    )
    built = replace(recorded, metadata=large_metadata(), trace=Trace((*extra, *recorded.trace.vertices)))
    before = read_shop(tmp_path, Shop(dockerfile=PIP, requirements=pins.replace("{}", "0")))
    _, findings = tell(tmp_path, job, before, built, Absent())
    manifest = next_manifest(IDENTITY, "main", before, findings)
    after = read_shop(
        tmp_path, Shop(dockerfile=PIP, requirements=pins.replace("{}", "1", PACKAGES // 2).replace("{}", "0"))
    )
    began = time.perf_counter()
    report, _ = tell(tmp_path, job, after, built, manifest)
    took = time.perf_counter() - began
    assert [cause.id for cause in report.causes] == ["dependencies-changed"]
    assert len(report.causes[0].message) < 1000
    assert took < 1.5
