"""What happens on the way to the servers: cut, held back, slowed, sliced, for one service or for everybody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from tests.faults.flight import Hit
from tests.faults.proxy import BOTH, Kind, Spoil, Way
from tests.faults.schedule import Fault
from tests.faults.system import System

SLOW_SECONDS = 0.05  # each piece, so that a batch of some statements takes seconds


def hit(whom: str) -> Hit:
    return Hit.service(whom.split("/")[2])


@asynccontextmanager
async def spoiled(system: System, fault: Fault) -> AsyncIterator[None]:
    """`whom` is a server, a way and a service."""
    server, way, service = fault.whom.split("/")
    ways = BOTH if way == "both" else frozenset({cast(Way, way)})
    whose = b"" if service == "*" else service.encode()
    spoil = Spoil(cast(Kind, fault.kind), ways, whose, SLOW_SECONDS)
    system.proxies[server].spoil(spoil)
    try:
        yield
    finally:
        system.proxies[server].heal(spoil)
