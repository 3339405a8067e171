"""Temporal's server: built once from its Go module, on the same PostgreSQL as everything else, its four services in one process.

As its documentation has it for one machine: SQL persistence and visibility with the schemas that come with the module, four shards of
history. The house needs no Go: whoever has none, or cannot build, is told so in one line, and this peer is left out.
"""

import asyncio
import hashlib
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from deploy.local import child, ports

MODULE = Path(__file__).parent
TOOLS = Path(".local/tools")
COMMANDS = {"server": "go.temporal.io/server/cmd/server", "sql": "go.temporal.io/server/cmd/tools/sql"}
NO_GO = "Temporal is left out: there is no `go` on the path to build its server with"
NOT_BUILT = "Temporal is left out: its server could not be built: "

# Where its state and its list of workflows are, and which schema of the module each has.
DATABASES = {"temporal": "postgresql/v12/temporal", "temporal_visibility": "postgresql/v12/visibility"}
# The driver that prepares statements once: PostgreSQL spends a third less than with the other one (30 ms a person, 45).
PLUGIN = "postgres12_pgx"
SHARDS = 4
# Each of the four services has pools of its own: 72 connections of the server's 200; the workers have at most 96.
CONNECTIONS = {"temporal": 16, "temporal_visibility": 2}
SERVICES = ("frontend", "history", "matching", "worker")
UNLIMITED = 100_000
# How often each service may be asked, and may ask the database, in a second. As it comes matching is asked 1,200 times at most, and
# a journey asks it up to eighteen times: on one machine the machine is to be the limit.
RATES = (
    "frontend.rps", "frontend.namespaceRPS", "history.rps", "matching.rps", "frontend.persistenceMaxQPS",
    "history.persistenceMaxQPS", "matching.persistenceMaxQPS", "worker.persistenceMaxQPS",
)  # fmt: skip

Config = dict[str, Any]


async def lacking() -> str | None:
    """Why there is no server to be had, in one line; None when there is. The first call that can builds it, which takes minutes."""
    if all((tools() / name).exists() for name in COMMANDS):
        return None
    if not (go := shutil.which("go")):
        return NO_GO
    try:
        await asyncio.to_thread(_build, go)
    except child.StartFailed as failure:
        return NOT_BUILT + str(failure).strip().splitlines()[-1]
    return None


def tools() -> Path:
    """The folder of what was built from this very go.mod and go.sum."""
    pinned = hashlib.sha256(b"".join((MODULE / name).read_bytes() for name in ("go.mod", "go.sum")))
    return (TOOLS / f"temporal-{pinned.hexdigest()[:12]}").absolute()


def _build(go: str) -> None:
    """Beside its place first, so that what is in place is whole. Raises StartFailed."""
    beside = tools().with_suffix(".new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    child.run([go, "build", "-C", str(MODULE), "-mod=readonly", "-o", f"{beside}/", *COMMANDS.values()])
    shutil.rmtree(tools(), ignore_errors=True)
    beside.rename(tools())


def make_databases(postgres_port: int) -> None:
    """Both, on a server that has neither; by the module's own tool. Raises StartFailed."""
    for name, schema in DATABASES.items():
        asked = (
            "--plugin",
            PLUGIN,
            "--ep",
            "127.0.0.1",
            "-p",
            str(postgres_port),
            "-u",
            "postgres",
            "--db",
            name,
        )
        tool = partial(child.run, environment={})
        for command in (
            ("create-database",),
            ("setup-schema", "-v", "0.0"),
            ("update-schema", "--schema-name", schema),
        ):
            tool([str(tools() / "sql"), *asked, *command])


def free_ports() -> dict[str, int]:
    """Two for each service: where it is asked, and where they find one another."""
    return ports.anywhere([f"{name}{kind}" for name in SERVICES for kind in ("", "-membership")])


def write_config(folder: Path, postgres_port: int, own: Mapping[str, int]) -> Path:
    """The file that the server is started with; what it may change while it runs stands beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    file, dynamic = folder / "server.yaml", folder / "dynamic.yaml"
    dynamic.write_text(yaml.safe_dump(_dynamic()))
    file.write_text(yaml.safe_dump(_config(postgres_port, own, dynamic)))
    return file


def command(config: Path) -> tuple[str, ...]:
    """What runs all four services until it is told to stop."""
    return (str(tools() / "server"), "--config-file", str(config), "--allow-no-auth", "start")


def _dynamic() -> Config:
    return {name: [{"value": UNLIMITED}] for name in RATES}


def _config(postgres_port: int, own: Mapping[str, int], dynamic: Path) -> Config:
    frontend = f"127.0.0.1:{own['frontend']}"
    active = {"enabled": True, "initialFailoverVersion": 1, "rpcName": "frontend", "rpcAddress": frontend}
    return {
        "log": {"stdout": True, "level": "warn"},
        "persistence": {
            "defaultStore": "temporal",
            "visibilityStore": "temporal_visibility",
            "numHistoryShards": SHARDS,
            "datastores": {name: {"sql": _store(name, postgres_port)} for name in DATABASES},
        },
        "global": {
            "membership": {"maxJoinDuration": "30s", "broadcastAddress": "127.0.0.1"},
            "pprof": {"port": 17936},
        },
        "services": {name: {"rpc": _rpc(name, own)} for name in SERVICES},
        "clusterMetadata": {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {"active": active},
        },
        "dcRedirectionPolicy": {"policy": "noop"},
        "publicClient": {"hostPort": frontend},
        "dynamicConfigClient": {"filepath": str(dynamic), "pollInterval": "60s"},
    }


def _store(name: str, postgres_port: int) -> Config:
    most = CONNECTIONS[name]
    return {
        "pluginName": PLUGIN,
        "databaseName": name,
        "connectAddr": f"127.0.0.1:{postgres_port}",
        "connectProtocol": "tcp",
        "user": "postgres",
        "maxConns": most,
        "maxIdleConns": most,
        "maxConnLifetime": "1h",
    }


def _rpc(name: str, own: Mapping[str, int]) -> Config:
    return {"grpcPort": own[name], "membershipPort": own[f"{name}-membership"], "bindOnLocalHost": True}
