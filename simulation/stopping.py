"""People who ask, and a little later want to hear nothing more: they take their request back and stop every message.

When they were told that it is stopped stands in the client's own file: after that, silence is owed.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import orjson

from simulation.client_log import ClientLog
from simulation.http_client import Address, Connection, connection
from simulation.http_wire import Unanswered, prepare
from simulation.population import Person
from simulation.returning import Returning, Visit

SOON = (0.0, 12.0)  # while their request is matched, booked and told of
STOP = {"reason": "changed_mind", "stop_contact": True}


async def stop(
    intake: Address, people: Iterable[Person], run: str, file: Path, *, seed: int, more: Callable[[], bool]
) -> int:
    """One after the other asks and stops as long as there may be `more`; returns how many did. `file` gets what each was
    answered."""
    log, chance, stopped = ClientLog(file), random.Random(seed), 0
    try:
        async with connection(intake) as own:
            for person in people:
                if not more():
                    break
                stopped += await _ask_and_stop(intake, own, log, person, run, chance)
    finally:
        log.close()
    return stopped


async def _ask_and_stop(
    intake: Address, own: Connection, log: ClientLog, person: Person, run: str, chance: random.Random
) -> bool:
    key = f"{run}-stops-{person.number}"
    body = orjson.dumps(person.body)
    log.invoke(key, person.number)
    try:
        answer = await own.insist(
            prepare("POST", "/v1/cases", intake.name, body, {"idempotency-key": key}),
            failed=lambda why: log.fail(key, why),
        )
        content = orjson.loads(answer.body)
        card = content.get("crisis")
        log.ok(key, answer.status, content.get("case_code"), len(card.get("lines") or ()) if card else None)
        await asyncio.sleep(chance.uniform(*SOON))
        return await _stop(intake, own, log, Returning(content["case_code"], content["pin"]))
    except (Unanswered, KeyError, ValueError) as failure:
        log.fail(key, type(failure).__name__)
        return False


async def _stop(intake: Address, own: Connection, log: ClientLog, who: Returning) -> bool:
    visit = Visit(intake, own)
    await visit.come_back(who)
    path = f"/v1/cases/{who.code}/withdraw"
    answer = await own.insist(prepare("POST", path, intake.name, orjson.dumps(STOP), visit.known()))
    if answer.status == 200:
        log.stopped(who.code)
    return answer.status == 200


def read_stops(file: Path) -> Iterator[tuple[str, float]]:
    """(case code, Unix time) of everybody who was told that nothing more will come."""
    for text in file.read_bytes().splitlines():
        line = orjson.loads(text)
        if line["what"] == "stopped":
            yield line["case_code"], line["at"]
