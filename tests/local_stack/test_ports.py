"""Ports: the preferred ones when they are free, the same ones next time, and never one of somebody else."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import ports
from deploy.local.ports import Claims


@pytest.fixture
def claims() -> Iterator[Claims]:
    own = Claims()
    yield own
    own.release()


def listener(port: int) -> socket.socket:
    taken = socket.socket()
    taken.bind(("127.0.0.1", port))
    taken.listen()
    return taken


def test_a_free_preferred_port_is_used(tmp_path: Path, claims: Claims) -> None:
    wanted = ports.anywhere(["intake", "matching"])
    assert ports.choose(tmp_path / "ports.json", claims, wanted) == wanted


def test_a_taken_port_moves_up_and_past_the_others_ports(tmp_path: Path, claims: Claims) -> None:
    first = ports.free_port()
    wanted = {"intake": first, "matching": first + 1}
    with listener(first):
        chosen = ports.choose(tmp_path / "ports.json", claims, wanted)
    assert chosen["intake"] > first + 1
    assert len(set(chosen.values())) == 2


def test_the_second_start_has_the_ports_of_the_first(tmp_path: Path, claims: Claims) -> None:
    file = tmp_path / "nested" / "ports.json"
    wanted = ports.anywhere(["intake", "matching"])
    with listener(wanted["intake"]):
        first = ports.choose(file, claims, wanted)
    assert ports.choose(file, claims, wanted) == first
    assert json.loads(file.read_text()) == first == ports.chosen(file)


def test_two_stacks_that_start_in_the_same_moment_have_no_port_in_common(
    tmp_path: Path, claims: Claims
) -> None:
    wanted, others = ports.anywhere(["intake", "matching"]), Claims()
    first = ports.choose(tmp_path / "one.json", others, wanted)
    second = ports.choose(tmp_path / "other.json", claims, wanted)
    assert first == wanted
    assert not {*first.values()} & {*second.values()}
    others.release()


def test_a_stack_that_has_ended_leaves_its_ports_to_others(tmp_path: Path, claims: Claims) -> None:
    wanted, others = ports.anywhere(["intake", "matching"]), Claims()
    ports.choose(tmp_path / "one.json", others, wanted)
    others.release()
    assert ports.choose(tmp_path / "other.json", claims, wanted) == wanted


def test_no_two_of_the_table_are_the_same() -> None:
    assert len(set(ports.PREFERRED.values())) == len(ports.PREFERRED)


def test_no_outgoing_connection_is_given_the_port_of_a_server_that_starts_again() -> None:
    lowest, highest = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    found = ports.anywhere()
    assert set(found) == set(ports.PREFERRED)
    assert len(set(found.values())) == len(found)
    assert not {*found.values()} & {*range(lowest, highest + 1)}
