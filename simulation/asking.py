"""Lets many people ask for help at once, each in one POST, and keeps the client's own file."""

import asyncio
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from simulation.changing import Changer
from simulation.client_log import ClientLog
from simulation.http_client import Address, Connection, pour
from simulation.http_wire import Answer, Unanswered, prepare
from simulation.population import Change, Person
from simulation.returning import Returning

CONNECTIONS = 128  # as many people at once; at 64 the batches stay small and a run costs a tenth more
PATH = "/v1/cases"


class Submit(NamedTuple):
    """One press of the button. A double submit is two of them with the same key and the same bytes."""

    key: str
    person: int
    request: bytes
    chooses: bool = False
    change: Change | None = None


@dataclass(slots=True)
class Asked:
    """How it went so far: codes in the order of the answers, what was refused or never answered, and whoever has
    still to choose, or will change the hour they get; and by how many seconds those who come at a pace were late."""

    codes: list[str] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    unanswered: int = 0
    choosers: list[Returning] = field(default_factory=list)
    changers: list[Changer] = field(default_factory=list)
    late: list[float] = field(default_factory=list)


def submits(people: Iterable[Person], run: str, address: Address) -> Iterator[Submit]:
    """The requests of all people, the late ones last; keys are of this run alone, so that the same people may ask again."""
    for person in sorted(people, key=lambda one: one.late):
        key = f"{run}-{person.number}"
        body = orjson.dumps(person.body)
        request = prepare("POST", PATH, address.name, body, {"idempotency-key": key})
        for _ in range(person.submits):
            yield Submit(key, person.number, request, person.chooses, person.change)


async def ask(
    address: Address, jobs: Iterable[Submit], log: ClientLog, asked: Asked, *, per_second: float | None = None
) -> None:
    """Posts all of them, as fast as they are answered or at a pace; `asked` fills up while it runs."""
    loop = asyncio.get_running_loop()
    began, places = loop.time(), itertools.count()

    async def post(own: Connection, job: Submit) -> None:
        if per_second:
            due = began + next(places) / per_second
            await asyncio.sleep(due - loop.time())
            asked.late.append(loop.time() - due)
        log.invoke(job.key, job.person)
        try:
            answer = await own.insist(job.request, failed=lambda why: log.fail(job.key, why))
        except Unanswered as failure:
            log.fail(job.key, str(failure))
            asked.unanswered += 1
            return
        _note(log, asked, job, answer)

    await pour(address, jobs, post, connections=CONNECTIONS)


def _note(log: ClientLog, asked: Asked, job: Submit, answer: Answer) -> None:
    content = orjson.loads(answer.body) if answer.body else {}
    code = content.get("case_code") if answer.status == 202 else None
    log.ok(job.key, answer.status, code, _lines(content))
    if code:
        if (job.chooses or job.change) and code not in asked.codes:
            _will_come_back(asked, job, Returning(code, content["pin"]))
        asked.codes.append(code)
    else:
        asked.refused.append(answer.status)


def _will_come_back(asked: Asked, job: Submit, who: Returning) -> None:
    if job.chooses:
        asked.choosers.append(who)
    if job.change:
        asked.changers.append(Changer(who, job.change))


def _lines(content: dict[str, dict[str, list[object]]]) -> int | None:
    """How many lines the crisis card names; None without a card."""
    card = content.get("crisis")
    return len(card.get("lines") or ()) if isinstance(card, dict) else None
