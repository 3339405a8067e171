"""The whole system while its processes are killed: people ask, alone and in files, some choose, and every promise to
them is kept."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import orjson
import pytest

from deploy.local.processes import PROCESSES
from deploy.local.stack import Plan, Stack
from simulation import demo

pytestmark = [pytest.mark.stack, pytest.mark.faults]

SEED = 5
PEOPLE, PER_SECOND = 2400, 30.0
IN_FILES = 0.3  # of those who do not choose; a file comes every few seconds until the last person has asked
CHOOSE = 40  # so many at least of the few who wish to choose, whatever is killed meanwhile
KILLS = 66
OUTSIDE = {"sms", "hospital"}  # not ours to kill: the sinks are the witnesses


async def kill_at_random(stack: Stack, kills: int) -> Counter[str]:
    """Every role in turn, in random order, at random moments; the supervisor brings each back by itself."""
    chance = random.Random(SEED)
    killed: Counter[str] = Counter()
    names = [process.name for process in PROCESSES if process.name not in OUTSIDE]
    while killed.total() < kills:
        for name in chance.sample(names, len(names)):
            await asyncio.sleep(0.5 + chance.random())
            if stack.is_running(name):
                await stack.kill(name)
                killed[name] += 1
    return killed


async def test_kills_of_every_role_lose_nothing_repeat_nothing_and_double_book_nobody(
    stack_folder: Path,
) -> None:
    told: list[str] = []
    stack = Stack(stack_folder / "kills", plan=Plan(with_zipkin=False), tell=told.append)
    await stack.start()
    try:
        secrets, out = stack.folder / "secrets", stack.folder / "demo.json"
        await demo.seed(stack.addresses, people=PEOPLE, seed=SEED, secrets=secrets, progress=told.append)
        killing = asyncio.create_task(kill_at_random(stack, KILLS))
        code = await demo.run(
            stack.addresses,
            people=PEOPLE,
            seed=SEED,
            out=out,
            per_second=PER_SECOND,
            in_bulk=IN_FILES,
            secrets=secrets,
            faults=True,
            progress=told.append,
        )
        killed = await killing
    finally:
        await stack.stop()
    figures = orjson.loads(out.read_bytes())
    assert code == 0, "\n".join([*told[-40:], str(figures)])
    assert killed.total() >= 60
    assert min(killed.values()) >= 4
    assert figures["lost"] == figures["duplicated"] == figures["double_booked"] == 0
    assert figures["accepted"] == PEOPLE
    assert figures["accepted_in_bulk"] > PEOPLE * IN_FILES * 0.9
    assert figures["chosen"] >= CHOOSE
