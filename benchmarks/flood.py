"""`python -m benchmarks.flood URL`: far too many ask at once, until the input ends. Says when it has begun, and at the end how many were accepted.

Connections that never pause and files back to back, whatever they are told: whoever reads no Retry-After is the one to be ready
for. The first line of the input is the token of the coordinator who hands the files over.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import orjson
import uvloop

from benchmarks import world
from simulation import asking, handing_over
from simulation.asking import Asked
from simulation.client_log import ClientLog
from simulation.http_client import Address, connection
from simulation.http_wire import Unanswered
from simulation.population import Person

CONNECTIONS, LINES = 64, 200
KNOWN = (
    2000  # as many people, made before it begins, who ask again and again: making them would slow the flood
)
SEED = 1
ACCEPTED, REFUSED_SECONDS = 202, 0.01


async def flood(address: Address, token: str) -> dict[str, int]:
    """How many requests were accepted until the input ended, and how many were told to come again."""
    alone, handed_over = Asked(), Asked()
    some = world.askers(SEED, KNOWN)
    people, rounds = cycle(some), cycle(range(1_000_000))
    tasks = [asyncio.create_task(_alone(address, people, rounds, alone)) for _ in range(CONNECTIONS)]
    tasks.append(asyncio.create_task(_in_files(address, some, token, rounds, handed_over)))
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return {
        "alone": len(alone.codes),
        "in_files": len(handed_over.codes),
        "refused": len(alone.refused),
        "refused_in_files": len(handed_over.refused),
    }


async def _alone(address: Address, people: Iterator[Person], rounds: Iterator[int], asked: Asked) -> None:
    async with connection(address) as own:
        for person in people:
            for job in asking.submits([person], f"flood-{next(rounds)}", address):
                with suppress(Unanswered):
                    answer = await own.ask(job.request)
                    if answer.status == ACCEPTED:
                        asked.codes.append("")
                    else:
                        asked.refused.append(answer.status)
                        await asyncio.sleep(REFUSED_SECONDS)


async def _in_files(
    address: Address, some: list[Person], token: str, rounds: Iterator[int], asked: Asked
) -> None:
    log = ClientLog(Path("/dev/null"))
    while True:
        with suppress(Unanswered):
            files = handing_over.files(some, f"flood-{next(rounds)}", LINES)
            await handing_over.hand_over(address, files, token, log, asked)


if __name__ == "__main__":
    accepted = uvloop.run(flood(Address.of(sys.argv[1]), sys.stdin.readline().strip()))
    sys.stdout.write(orjson.dumps(accepted).decode())
