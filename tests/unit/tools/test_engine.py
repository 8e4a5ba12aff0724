"""What of `tools/engine` can be told without an engine: choices, files, processes, and the registry's wire."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tools.engine import processes
from tools.engine.dockerd import Daemon, forget_networks, is_configured, remove_tree, render_configuration, serves
from tools.engine.engine import Engine
from tools.engine.layers import write_layer
from tools.engine.network import bridge_name, choose_network, parse_name_servers, parse_routes
from tools.engine.processes import PidFile
from tools.engine.programs import Programs, compute_root, write_commands
from tools.engine.registry import Client, answers, find_port
from tools.engine.seed import Seed, find_platform_digest
from tools.engine.state import Settings, State
from tools.engine.steps import EngineError, read_tail, run

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
pycache01234567\t0000E50A\t00000000\t0001\t0\t0\t0\t0080FFFF\t0\t0\t0
"""


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


class TestNetwork:
    def test_parse_routes__default_and_own_left_out(self) -> None:
        routes = parse_routes(ROUTES, without="pycache01234567")
        assert routes == [IPv4Network("172.17.0.0/16")]

    def test_parse_routes__other_checkouts_bridge(self) -> None:
        assert IPv4Network("10.229.0.0/17") in parse_routes(ROUTES)

    def test_parse_name_servers__one_in_a_private_network(self) -> None:
        text = "search example\nnameserver 10.100.0.2\nnameserver fd00::1\nnameserver\noptions edns0\n"
        assert parse_name_servers(text) == [IPv4Network("10.100.0.2/32")]

    def test_choose_network__overlap_with_a_smaller_one(self) -> None:
        taken = [IPv4Network("172.20.5.0/24")]
        assert choose_network("172.20", taken, seed=0) == "172.21"

    def test_choose_network__free_choice_is_kept(self) -> None:
        assert choose_network("10.120", [IPv4Network("10.121.0.0/16")], seed=0) == "10.120"

    def test_choose_network__first_time_depends_on_seed(self) -> None:
        assert choose_network("", [], seed=1) != choose_network("", [], seed=2)

    def test_choose_network__all_taken(self) -> None:
        with pytest.raises(EngineError, match="no free private network"):
            choose_network("", [IPv4Network("0.0.0.0/0")], seed=0)

    def test_bridge_name__fits_an_interface(self, state: State) -> None:
        assert len(bridge_name(state)) <= 15


class TestState:
    def test_id__differs_by_path(self, tmp_path: Path) -> None:
        assert State(tmp_path / "a").id != State(tmp_path / "b").id

    def test_run__short_enough_for_sockets(self) -> None:
        state = State(Path("/" + "very-long-directory/" * 20))
        assert len(str(state.run / "fresh-127" / "exec" / "containerd" / "containerd-debug.sock")) < 104

    def test_settings__written_and_read(self, state: State) -> None:
        state.path.mkdir()
        assert state.read_settings() == Settings()
        state.write_settings(Settings(5001, "172.24"))
        assert state.read_settings() == Settings(5001, "172.24")

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"registry_port": "x", "network": ""}', "\x00"])
    def test_read_settings__damaged_file(self, state: State, text: str) -> None:
        state.path.mkdir()
        (state.path / "settings.json").write_text(text)
        assert state.read_settings() == Settings()


class TestProcesses:
    def test_pid_file__alive(self, tmp_path: Path) -> None:
        pid_file = PidFile(tmp_path / "run" / "pid")
        pid_file.write(os.getpid())
        assert pid_file.find() == os.getpid()

    def test_pid_file__pid_used_again(self, tmp_path: Path) -> None:
        (tmp_path / "pid").write_text(f"{os.getpid()} 1\n")
        assert PidFile(tmp_path / "pid").find() is None

    @pytest.mark.parametrize("text", ["", "12", "a b", "999999999 5", "999999999 None"])
    def test_pid_file__useless(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "pid").write_text(text)
        assert PidFile(tmp_path / "pid").find() is None

    @pytest.mark.real_processes
    def test_start__is_found_and_ended(self, tmp_path: Path) -> None:
        pid = processes.start(["sleep", "60"], tmp_path / "log")
        pid_file = PidFile(tmp_path / "pid")
        pid_file.write(pid)
        assert pid_file.find() == pid
        processes.end(pid, ask=[pid])
        assert pid_file.find() is None

    @pytest.mark.real_processes
    def test_end__one_that_does_not_listen(self, tmp_path: Path) -> None:
        pid = processes.start([sys.executable, "-c", DEAF, str(tmp_path / "ready")], tmp_path / "log")
        processes.wait_until_alive("it", (tmp_path / "ready").exists, pid, tmp_path / "log")
        processes.end(pid, ask=[pid], seconds=0.2)
        assert processes.read_start_time(pid) is None

    @pytest.mark.real_processes
    def test_wait_until_alive__ended_at_once(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        pid = processes.start(["sh", "-c", "echo the disk is full; exit 3"], log)
        with pytest.raises(EngineError, match=r"(?s)dockerd ended at once.*the disk is full.*log"):
            processes.wait_until_alive("dockerd", lambda: False, pid, log)

    @pytest.mark.real_processes
    def test_wait_until_alive__too_slow(self, tmp_path: Path) -> None:
        pid = processes.start(["sleep", "60"], tmp_path / "log")
        with pytest.raises(EngineError, match="does not answer after 0 s"):
            processes.wait_until_alive("dockerd", lambda: False, pid, tmp_path / "log", seconds=0.1)
        processes.kill(pid)

    def test_send__to_a_process_that_has_gone(self) -> None:
        processes.send(signal.SIGTERM, 999_999_999)


DEAF = """\
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""


class TestSteps:
    @pytest.mark.real_processes
    def test_run__failure_shows_the_end_of_the_log(self, tmp_path: Path) -> None:
        log = tmp_path / "apt.log"
        with pytest.raises(EngineError) as raised:
            run(["sh", "-c", "seq 100; echo out of space; exit 9"], log)
        message = str(raised.value)
        assert message.startswith("sh failed (exit code 9)")
        assert "out of space" in message
        assert str(log) in message
        assert "\n    1\n" not in message

    @pytest.mark.real_processes
    def test_run__no_such_program(self, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match="cannot start /nowhere/apt-get: No such file"):
            run(["/nowhere/apt-get"], tmp_path / "log")

    def test_read_tail__no_log(self, tmp_path: Path) -> None:
        assert str(tmp_path / "none") in read_tail(tmp_path / "none")

    def test_read_tail__not_text(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(b"\xff\xfe\n")
        assert "all of it" in read_tail(tmp_path / "log")


class TestDaemon:
    def configuration(self, state: State, settings: Settings) -> dict[str, object]:
        return render_configuration(self.daemon(state), state, Programs(state.path / "programs-1"), settings)

    def daemon(self, state: State) -> Daemon:
        run_directory = state.path / "run"
        return Daemon(files=state.path / "docker", run=run_directory, log=state.path / "log", addresses="10.9.0.0/20")

    def test_render_configuration__touches_nothing_of_another_engine(self, state: State) -> None:
        configuration = self.configuration(state, Settings(5001, "10.9"))
        assert configuration["hosts"] == [f"unix://{state.path}/run/docker.sock"]
        assert configuration["bridge"] == bridge_name(state)
        assert configuration["iptables"] is False

    def test_is_configured__other_port(self, state: State) -> None:
        daemon, settings = self.daemon(state), Settings(5001, "10.9")
        daemon.run.mkdir(parents=True)
        (daemon.run / "daemon.json").write_text(json.dumps(self.configuration(state, settings)))
        programs = Programs(state.path / "programs-1")
        assert is_configured(daemon, state, programs, settings)
        assert not is_configured(daemon, state, programs, Settings(5002, "10.9"))
        assert not is_configured(daemon, state, Programs(state.path / "programs-2"), settings)

    def test_environ__goes_before_a_users_choice(self, state: State) -> None:
        engine = Engine(docker_host="unix:///run/x/docker.sock", registry="localhost:5000", state=state, is_ours=True)
        assert engine.environ["DOCKER_HOST"] == "unix:///run/x/docker.sock"
        assert engine.environ["DOCKER_CONTEXT"] == ""
        assert engine.environ["PATH"].startswith(f"{state.bin}:")

    def test_serves__no_process(self, state: State) -> None:
        assert not serves(self.daemon(state), state, Programs(state.path), Settings())

    def test_is_configured__never_started(self, state: State) -> None:
        assert not is_configured(self.daemon(state), state, Programs(state.path), Settings())

    def test_forget_networks__images_stay(self, state: State) -> None:
        data = self.daemon(state).files / "data"
        (data / "network" / "files").mkdir(parents=True)
        (data / "containerd").mkdir()
        forget_networks(self.daemon(state))
        assert [path.name for path in data.iterdir()] == ["containerd"]

    def test_remove_tree__gone_already(self, tmp_path: Path) -> None:
        remove_tree(tmp_path / "none")


class TestPrograms:
    def test_argv__own_pids_end_together(self) -> None:
        argv = Programs(Path("/p")).argv(["dockerd", "--x"], own_pids=True)
        assert argv[0] == "unshare"
        assert "--kill-child" in argv
        assert argv[-3:] == ["/p", "dockerd", "--x"]

    @pytest.mark.real_processes
    def test_write_commands__docker_knows_its_plugins(self, state: State) -> None:
        state.path.mkdir()
        programs = Programs(compute_root(state))
        for path in (programs.root / "usr" / "bin" / "docker", programs.plugins / "docker-buildx"):
            path.parent.mkdir(parents=True)
            path.write_text('#!/bin/sh\nprintf "%s," "$(basename "$0")" "$@"\n')
            path.chmod(0o755)
        write_commands(state, programs)
        assert self.said(state, "buildx", "ls", "a b") == "docker-buildx,ls,a b,"
        assert self.said(state, "build", ".") == "docker-buildx,build,.,"
        assert self.said(state, "run", "x") == "docker,run,x,"

    def said(self, state: State, *arguments: str) -> str:
        return subprocess.run([state.bin / "docker", *arguments], capture_output=True, text=True, check=True).stdout


class TestSeed:
    INDEX = json.dumps(
        {
            "manifests": [
                {"digest": "sha256:s390x", "platform": {"os": "linux", "architecture": "s390x"}},
                {"digest": "sha256:windows", "platform": {"os": "windows", "architecture": "amd64"}},
                {"digest": "sha256:amd64", "platform": {"os": "linux", "architecture": "amd64"}},
                {"digest": "sha256:arm64", "platform": {"os": "linux", "architecture": "arm64"}},
                {"digest": "sha256:none"},
            ]
        }
    )

    @pytest.mark.parametrize(("machine", "digest"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("riscv64", None)])
    def test_find_platform_digest__index(
        self, monkeypatch: pytest.MonkeyPatch, machine: str, digest: str | None
    ) -> None:
        monkeypatch.setattr("platform.machine", lambda: machine)
        assert find_platform_digest(self.INDEX) == (digest and f"sha256:{digest}")

    def test_find_platform_digest__image(self) -> None:
        assert find_platform_digest('{"config": {}, "layers": []}') is None

    def test_names__variant_last(self, state: State) -> None:
        plain = Seed("a/b:1", lambda _state, _root: None, {})
        assert plain.names(state) == ["a/b:1"]
        varied = Seed("a/b:1", lambda _state, _root: None, {}, lambda _state: "x-5")
        assert varied.names(state) == ["a/b:1", "a/b:1-x-5"]


class TestLayer:
    @pytest.mark.real_processes
    def test_write_layer__digests_of_what_it_holds(self, tmp_path: Path) -> None:
        root = tmp_path / "root"
        (root / "bin").mkdir(parents=True)
        (root / "bin" / "sh").write_text("x")
        (root / "bin" / "ash").symlink_to("sh")
        layer = write_layer(root, tmp_path / "layer")
        packed = layer.path.read_bytes()
        plain = gzip.decompress(packed)
        assert layer.digest == f"sha256:{hashlib.sha256(packed).hexdigest()}"
        assert layer.diff_id == f"sha256:{hashlib.sha256(plain).hexdigest()}"
        with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
            assert tar.getnames() == [".", "./bin", "./bin/ash", "./bin/sh"]

    @pytest.mark.real_processes
    @pytest.mark.filterwarnings("default")
    def test_write_layer__no_such_directory(self, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match="tar failed"):
            write_layer(tmp_path / "none", tmp_path / "layer")


@dataclass
class Stored:
    """A registry in memory: enough of the protocol for `Client`."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    refuse: bool = False


@contextmanager
def serve(stored: Stored) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self, status: int, *headers: tuple[str, str], body: bytes = b"") -> None:
            self.send_response(status)
            for name, value in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.answer(200 if self.path == "/v2/" else 404)

        def do_HEAD(self) -> None:
            kind, name = self.path.split("/")[-2:]
            self.answer(200 if name in (stored.blobs if kind == "blobs" else stored.manifests) else 404)

        def do_POST(self) -> None:
            if stored.refuse:
                self.answer(507, body=b"no space left on device")
                return
            self.answer(202, ("Location", f"http://elsewhere{self.path}1?_state=s"))

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if "manifests" in self.path:
                stored.manifests[self.path.rpartition("/")[2]] = body
            else:
                stored.blobs[self.path.rpartition("digest=")[2]] = body
            self.answer(201)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.loopback
class TestRegistry:
    @pytest.mark.real_processes
    def test_put_image__all_parts_are_there(self, tmp_path: Path) -> None:
        (tmp_path / "root").mkdir()
        layer = write_layer(tmp_path / "root", tmp_path / "layer")
        stored = Stored()
        with serve(stored) as address:
            client = Client(address)
            assert not client.has("library/x:1")
            client.put_image("library/x:1", [layer], {"Cmd": ["sh"]})
            assert client.has("library/x:1")
        manifest = json.loads(stored.manifests["1"])
        assert [part["digest"] for part in manifest["layers"]] == [layer.digest]
        assert stored.blobs[layer.digest] == layer.path.read_bytes()
        config = json.loads(stored.blobs[manifest["config"]["digest"]])
        assert config["rootfs"]["diff_ids"] == [layer.diff_id]
        assert config["config"] == {"Cmd": ["sh"]}

    def test_put_blob__known_already(self) -> None:
        stored = Stored(blobs={"sha256:1": b"old"})
        with serve(stored) as address:
            Client(address).put_blob("x", "sha256:1", b"new")
        assert stored.blobs["sha256:1"] == b"old"

    def test_put_blob__refused(self) -> None:
        with serve(Stored(refuse=True)) as address, pytest.raises(EngineError, match="507: no space left on device"):
            Client(address).put_blob("x", "sha256:1", b"new")

    def test_answers__nobody_there(self) -> None:
        assert not answers(f"127.0.0.1:{find_port(0)}")

    def test_find_port__taken(self) -> None:
        with serve(Stored()) as address:
            port = int(address.rpartition(":")[2])
            assert find_port(port) != port

    def test_find_port__free(self) -> None:
        port = find_port(0)
        assert find_port(port) == port
