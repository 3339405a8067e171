"""`python -m tests.faults.outage`: the broker is away for minutes while people ask; it comes back, and everything that was
accepted meanwhile goes its way, in order. Prints what waited, how long it took to go, and the same verdict as a run of faults."""

import argparse
import asyncio
import shutil
import sys
import time
from pathlib import Path

import orjson
import uvloop

from simulation import demo
from tests.faults.journal import Journal
from tests.faults.rounds import WAITING, Load, broken, judge_all
from tests.faults.run import FOLDER, published, say
from tests.faults.system import System, everywhere

BEFORE_SECONDS = 20.0  # of asking, so that it is taken away from a system at work
ALARMS = "SELECT count(*) AS rows FROM {schema}.outbox WHERE lane = 'crisis'"
LOOK_SECONDS = 0.05


async def run(folder: Path, *, seed: int, minutes: float, per_second: float) -> bool:
    """Whether every promise was kept."""
    away = minutes * 60
    load = Load(round((away + 2 * BEFORE_SECONDS) * per_second), per_second)
    journal = Journal.open(folder / "journal.jsonl", seed)
    async with System(folder, seed=seed, tell=say) as system:
        secrets = system.stack.folder / "secrets"
        asked = {"people": load.people, "seed": seed, "secrets": secrets, "progress": lambda _: None}
        await demo.seed(system.addresses, **asked)
        out = folder / "round-0.json"
        asking = asyncio.create_task(
            demo.run(system.addresses, out=out, per_second=per_second, faults=True, **asked)
        )
        await asyncio.sleep(BEFORE_SECONDS)
        await _away(system, away)
        code = await asking
        journal.end_round({"number": 0, "broken": broken(orjson.loads(out.read_bytes()), code)})
        total = await judge_all(system, journal, published())
    for line in total.lines():
        say(line)
    return total.kept


async def _away(system: System, seconds: float) -> None:
    await system.stack.hold("kafka")
    say(f"kafka is away for {seconds:.0f} s")
    await asyncio.sleep(seconds)
    rows, alarms = await _waiting(system, WAITING), await _waiting(system, ALARMS)
    say(f"{rows} events wait in the outboxes, {alarms} of them about alarms")
    began = time.monotonic()
    await system.stack.restart("kafka")
    for what, question, left in (("alarms", ALARMS, 0), ("everything but the newest", WAITING, rows // 100)):
        while await _waiting(system, question) > left:
            await asyncio.sleep(LOOK_SECONDS)
        say(f"{what}: gone {time.monotonic() - began:.1f} s after the broker was started again")


async def _waiting(system: System, question: str) -> int:
    async with system.admin() as connection:
        return int(sum(row["rows"] for row in await everywhere(connection, "outbox", question)))


def main() -> int:
    """0 when every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.outage", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--per-second", type=float, default=30.0, help="who ask, also while it is away")
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    folder = FOLDER / f"outage-{told.seed}"
    shutil.rmtree(folder, ignore_errors=True)
    kept = uvloop.run(run(folder, seed=told.seed, minutes=told.minutes, per_second=told.per_second))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
