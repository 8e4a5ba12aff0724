"""The network of our engines: one bridge and three firewall rules, all ours, whatever else runs on the machine.

Docker's own rules live in chains with fixed names, so a second daemon that wrote them would spoil the first one's. Ours
run with `iptables: false`; published ports go through docker-proxy. All our engines share one bridge and take
their addresses from different parts of one /16 network:

    N.0.1/17          the bridge, the way out
    N.0.0/20          containers of the engine
    N.16.0 - N.127.0  one /24 for each fresh engine
    N.128.0/17        networks that users create
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from tools.engine.steps import EngineError, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tools.engine.programs import Programs
    from tools.engine.state import State

CANDIDATES = [f"172.{second}" for second in range(20, 32)] + [f"10.{second}" for second in range(100, 250)]
FRESH_FIRST, FRESH_LAST = 16, 127

UP = """\
set -e
[ -e /sys/class/net/$1 ] || ip link add $1 type bridge
ip address replace $2.0.1/17 dev $1
ip link set $1 up
rule() { table=$1 how=$2; shift 2; iptables -w -t $table -C "$@" 2>/dev/null || iptables -w -t $table $how "$@"; }
rule nat -A POSTROUTING -s $2.0.0/16 ! -d $2.0.0/16 -j MASQUERADE
rule filter -I FORWARD -s $2.0.0/16 -j ACCEPT
rule filter -I FORWARD -d $2.0.0/16 -j ACCEPT
"""
DOWN = """\
iptables -w -t nat -D POSTROUTING -s $2.0.0/16 ! -d $2.0.0/16 -j MASQUERADE
iptables -w -t filter -D FORWARD -s $2.0.0/16 -j ACCEPT
iptables -w -t filter -D FORWARD -d $2.0.0/16 -j ACCEPT
ip link delete $1
true
"""


def bridge_name(state: State) -> str:
    return f"pycache{state.id}"  # 15 characters, the most an interface may have


def choose_network(preferred: str, taken: Iterable[ipaddress.IPv4Network], *, seed: int) -> str:
    """`preferred` or else another /16 that overlaps nothing in `taken`; different seeds begin at different ones."""
    taken = list(taken)
    start = CANDIDATES.index(preferred) if preferred in CANDIDATES else seed
    for offset in range(len(CANDIDATES)):
        network = CANDIDATES[(start + offset) % len(CANDIDATES)]
        if not any(ipaddress.IPv4Network(f"{network}.0.0/16").overlaps(other) for other in taken):
            return network
    raise EngineError("no free private network for the engine's containers (172.20-31 and 10.100-249 are all routed)")


def parse_routes(text: str, *, without: str = "") -> list[ipaddress.IPv4Network]:
    """The destinations in `/proc/net/route`, the default route and those of the interface `without` left out."""
    routes = []
    for line in text.splitlines()[1:]:
        interface, destination, *rest = line.split()
        if interface == without or destination == "00000000":
            continue
        address, mask = (socket.inet_ntoa(struct.pack("=L", int(word, 16))) for word in (destination, rest[5]))
        routes.append(ipaddress.IPv4Network(f"{address}/{mask}", strict=False))
    return routes


def parse_name_servers(text: str) -> list[ipaddress.IPv4Network]:
    """The name servers in `resolv.conf`: reached by the default route, but no container may shadow them."""
    words = (line.split() for line in text.splitlines() if line.startswith("nameserver"))
    return [ipaddress.IPv4Network(word[1]) for word in words if len(word) > 1 and ":" not in word[1]]


def read_taken(state: State) -> list[ipaddress.IPv4Network]:
    resolv = Path("/etc/resolv.conf")
    return parse_routes(Path("/proc/net/route").read_text(), without=bridge_name(state)) + parse_name_servers(
        resolv.read_text() if resolv.exists() else ""
    )


def put_network(state: State, programs: Programs, network: str) -> None:
    run(programs.argv(["sh", "-c", UP, "sh", bridge_name(state), network]), state.log("network"))


def remove_network(state: State, programs: Programs, network: str) -> None:
    run(programs.argv(["sh", "-c", DOWN, "sh", bridge_name(state), network]), state.log("network"))
