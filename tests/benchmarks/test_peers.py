"""Every peer is given the same world, and its figures are those of the people who were told."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from benchmarks import run, world
from benchmarks.peers import figures
from benchmarks.peers import run as peers
from benchmarks.peers.temporal import server
from deploy.local import postgres
from services.intake.api.requests import CaseSent

BUILDS = 'while [ "$1" != -o ]; do shift; done; touch "$2/server" "$2/sql"'
TOO_OLD = "echo 'go: go.mod requires go >= 99 (running go 1)'; exit 1"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the path, with nothing in it; nothing was built."""
    found = tmp_path / "path"
    found.mkdir()
    monkeypatch.setenv("PATH", str(found))
    monkeypatch.setattr(server, "TOOLS", tmp_path / "tools")
    return found


def put_go(path: Path, script: str) -> None:
    program = path / "go"
    program.write_text(f"#!/bin/sh\nPATH={os.defpath}\n{script}\n")
    program.chmod(0o755)


def test_the_world_is_the_same_for_a_seed_and_has_nobody_twice() -> None:
    some = world.askers(1, 40)
    assert world.askers(1, 15, start=25) == some[25:]
    assert len({one.number for one in some}) == 40
    addresses = [one.address for one in some if one.address]
    assert len(set(addresses)) == len(addresses)
    assert len(world.care(1).therapists) == world.THERAPISTS


def test_everybody_in_it_is_an_adult_who_is_booked_and_told_without_anybody_else() -> None:
    for one in world.askers(2, 40):
        body = CaseSent.model_validate_json(orjson.dumps(one.body))
        assert body.age_band != "13-17"
        assert (body.kind, body.booking_mode, body.attendees) == ("individual", "auto", ())
        assert body.contact.channel in ("sms", "email", "inbox")
        assert (one.address is None) == (body.contact.channel == "inbox")


def test_a_turn_counts_from_the_first_post_to_the_last_news_and_spreads_the_cost_over_those_told() -> None:
    posted = {number: 100.0 + number for number in range(4)}
    told = {0: 101.0, 1: 102.0, 2: 105.0}
    row = figures.row(posted, told, {"postgres": 0.3})
    assert (row["people"], row["journeys"], row["seconds"]) == (4, 3, 5.0)
    assert (row["journeys_per_second"], row["p50_s"], row["p99_s"]) == (0.6, 1.0, 3.0)
    assert row["cpu_ms"] == {"postgres": 100.0}


def test_a_turn_in_which_nobody_was_told_is_no_error_and_never_the_best() -> None:
    none = figures.row({1: 100.0}, {}, {"postgres": 1.0})
    some = figures.row({1: 100.0}, {1: 100.5}, {})
    named = [{"peer": "x", "concurrency": place} | row for place, row in enumerate((none, some))]
    assert figures.best(named)["concurrency"] == 1
    assert "0 of 1 told" in figures.line(named[0])
    assert "2.0 journeys/s" in figures.line(named[1])


async def test_where_there_is_no_go_one_line_says_that_temporal_is_left_out(path: Path) -> None:
    assert await peers.lacking("temporal") == server.NO_GO
    assert [await peers.lacking(one) for one in ("ours", "faststream", "dbos")] == [None, None, None]


async def test_a_server_that_cannot_be_built_is_left_out_with_the_last_thing_that_go_said(path: Path) -> None:
    put_go(path, TOO_OLD)
    assert await peers.lacking("temporal") == f"{server.NOT_BUILT}go: go.mod requires go >= 99 (running go 1)"
    assert not server.tools().exists()


async def test_a_server_is_built_once(path: Path) -> None:
    put_go(path, BUILDS)
    assert await peers.lacking("temporal") is None
    (path / "go").unlink()
    assert await peers.lacking("temporal") is None
    assert {one.name for one in server.tools().iterdir()} == set(server.COMMANDS)


async def test_a_table_without_a_peer_says_why_and_has_all_the_others(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def measure(peer: str, people: int, _settings: Sequence[int]) -> list[dict[str, Any]]:
        told = figures.row({1: 100.0}, {1: 100.5}, {})
        return [{"peer": peer, "concurrency": 1} | told]

    monkeypatch.setattr(peers, "measure", measure)
    monkeypatch.setattr(run, "BEGUN", tmp_path / "sides.json")
    found = await run.measure_sides(argparse.Namespace(people=1, turns=2))
    said = run.lines("sides", found)
    assert [line.split()[0] for line in said[:-1]] == ["ours"] * 2 + ["faststream"] * 2 + ["dbos"] * 2
    assert said[-1] == server.NO_GO
    assert "vs_temporal" not in found


def test_temporal_keeps_everything_on_the_one_postgresql_and_listens_on_ports_of_its_own(
    tmp_path: Path,
) -> None:
    own = server.free_ports()
    config = yaml.safe_load(server.write_config(tmp_path / "temporal", 5433, own).read_text())
    stores = config["persistence"]["datastores"]
    assert {one["sql"]["connectAddr"] for one in stores.values()} == {"127.0.0.1:5433"}
    assert {one["sql"]["databaseName"] for one in stores.values()} == set(server.DATABASES)
    listened = [
        port
        for one in config["services"].values()
        for port in (one["rpc"]["grpcPort"], one["rpc"]["membershipPort"])
    ]
    assert sorted(listened) == sorted(own.values())
    assert len(set(listened)) == 8
    assert all(one["rpc"]["bindOnLocalHost"] for one in config["services"].values())


def test_temporal_leaves_connections_for_its_workers() -> None:
    most = len(server.SERVICES) * sum(server.CONNECTIONS.values())
    assert most <= int(postgres.SETTINGS["max_connections"]) / 2


def test_no_limit_that_temporal_comes_with_is_what_limits_it(tmp_path: Path) -> None:
    config = yaml.safe_load(server.write_config(tmp_path, 5433, server.free_ports()).read_text())
    dynamic = yaml.safe_load(Path(config["dynamicConfigClient"]["filepath"]).read_text())
    assert all(dynamic[name] == [{"value": server.UNLIMITED}] for name in server.RATES)


def test_every_side_of_the_table_can_be_measured_alone() -> None:
    assert set(run.SIDES) == set(peers.SETTINGS) == set(peers.PREPARE) == set(peers.START)
