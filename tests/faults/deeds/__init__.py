"""What is done to the system, by kind of fault: each deed is a context that harms when it is entered and heals when left."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from tests.faults.deeds import database, outside, processes, records, servers, wires
from tests.faults.flight import Hit, hit_of_table
from tests.faults.schedule import Fault
from tests.faults.system import System

Deed = Callable[[System, Fault], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Doing:
    """The deed, whom it hits, and how many processes or servers it kills."""

    deed: Deed
    hit: Callable[[str], Hit]
    kills: int = 0


def _everybody(_whom: str) -> Hit:
    return Hit.everybody()


DEEDS: Mapping[str, Doing] = {
    "kill": Doing(processes.kill, Hit.process, kills=1),
    "freeze": Doing(processes.freeze, Hit.process),
    "hand_over": Doing(processes.hand_over, Hit.process),
    "vault_away": Doing(processes.away, lambda _: Hit.gateways(), kills=1),
    "kill_server": Doing(servers.kill, _everybody, kills=1),
    "restart_server": Doing(servers.restart, _everybody),
    "freeze_server": Doing(servers.freeze, _everybody),
    "cut": Doing(wires.spoiled, wires.hit),
    "hold": Doing(wires.spoiled, wires.hit),
    "slow": Doing(wires.spoiled, wires.hit),
    "slice": Doing(wires.spoiled, wires.hit),
    "outside": Doing(outside.troubled, lambda _: Hit.gateways()),
    "repeat": Doing(records.repeated, _everybody),
    "junk": Doing(records.junk, _everybody),
    "poison": Doing(database.poisoned, hit_of_table),
    "bad_deploy": Doing(database.all_refused, hit_of_table),
    "read_only": Doing(database.read_only, Hit.service),
    "refused_commit": Doing(database.refused_commits, Hit.service),
    "terminate": Doing(database.terminated, Hit.service),
    "expand": Doing(database.expanded, hit_of_table),
}
