"""Hands many people over in files, several side by side, as practices do; the client's own file says what each line
was told."""

import asyncio
import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import orjson

from simulation.asking import Asked
from simulation.client_log import ClientLog
from simulation.http_client import AGAIN, PATIENCE, Address, Connection, pour
from simulation.http_wire import Answer, Unanswered, prepare
from simulation.population import BROKEN_AT_FIRST, Person

PATH = "/v1/cases/bulk"
LINES_PER_FILE = 500
FILES_AT_ONCE = 3
SECONDS_PER_FILE = 60.0
PAUSE_SECONDS = 0.5
ACCEPTED = 202
NDJSON, CSV = "application/x-ndjson", "text/csv"


class Entry(NamedTuple):
    """One line: the sender's reference, which is also the key in the client's file, and the number of the person."""

    key: str
    person: int


@dataclass(frozen=True, slots=True)
class File:
    """What is sent, the last of it until every line has a final answer; `first` is the line of the first entry."""

    kind: str
    entries: Sequence[Entry]
    first: int
    sendings: tuple[bytes, ...]


def by_bulk(people: Iterable[Person], share: float) -> tuple[list[Person], list[Person]]:
    """Who is handed over in a file, and who asks alone: the same people for the same share."""
    handed: list[Person] = []
    alone: list[Person] = []
    for person in people:
        turn = int((person.number + 1) * share) > int(person.number * share)
        (handed if turn else alone).append(person)
    return handed, alone


def files(people: Iterable[Person], run: str, lines: int = LINES_PER_FILE) -> Iterator[File]:
    """All of them in files of at most so many lines; whoever presses the button twice stands in the file twice. A file in which somebody's
    row was typed wrongly is a table, and comes again, corrected; who does not come alone does not fit into a row."""
    rows = ((f"{run}-{person.number}", person) for person in people for _ in range(person.submits))
    while some := list(islice(rows, lines)):
        if BROKEN_AT_FIRST.isdisjoint(person.number for _, person in some):
            yield _lines(some)
        else:
            yield _table([row for row in some if "attendees" not in row[1].body])
            if others := [row for row in some if "attendees" in row[1].body]:
                yield _lines(others)


async def hand_over(
    address: Address,
    handed: Iterable[File],
    token: str,
    log: ClientLog,
    asked: Asked,
    *,
    every_seconds: float = 0.0,
) -> None:
    """Sends all files, as fast as they are answered or one each so many seconds; `asked` fills up while it runs."""
    loop = asyncio.get_running_loop()
    began, places = loop.time(), itertools.count()

    async def send(own: Connection, file: File) -> None:
        await asyncio.sleep(began + next(places) * every_seconds - loop.time())
        for entry in file.entries:
            log.invoke(entry.key, entry.person)
        try:
            for sending in file.sendings:
                last = sending is file.sendings[-1]
                answer = await _insist(own, _request(address, file, sending, token), file, log)
                _note(log, asked, file, answer, last=last)
        except Unanswered as failure:
            for entry in file.entries:
                log.fail(entry.key, str(failure))
            asked.unanswered += len(file.entries)

    await pour(address, handed, send, connections=FILES_AT_ONCE, seconds=SECONDS_PER_FILE)


async def _insist(own: Connection, request: bytes, file: File, log: ClientLog) -> Answer:
    """Sends the same file until no line is told to come again, for at most a minute."""
    until = asyncio.get_running_loop().time() + PATIENCE

    def failed(why: str) -> None:
        log.fail(file.entries[0].key, why)

    while True:
        answer = await own.insist(request, failed=failed)
        unsure = [line for line in _results(answer) if _status(line) in AGAIN]
        if not unsure or asyncio.get_running_loop().time() > until:
            return answer
        failed(f"{len(unsure)} lines are to come again")
        await asyncio.sleep(PAUSE_SECONDS)


def _request(address: Address, file: File, content: bytes, token: str) -> bytes:
    headers = {"authorization": f"Bearer {token}", "content-type": file.kind}
    return prepare("POST", PATH, address.name, content, headers)


def _note(log: ClientLog, asked: Asked, file: File, answer: Answer, *, last: bool) -> None:
    told = {line["line"]: line for line in _results(answer)}
    for place, entry in enumerate(file.entries, file.first):
        line = told.get(place, {"outcome": "missing", "problem": {"status": answer.status}})
        status, code = _status(line), line.get("case_code")
        if status == ACCEPTED and code:
            alarmed = line.get("attention") == "call_now"
            log.handed_over(entry.key, status, code, attention=alarmed)
            asked.codes.append(code)
        elif last:
            log.handed_over(entry.key, status, None, attention=False)
            asked.refused.append(status)
        else:
            log.fail(entry.key, f"status {status}")


def _results(answer: Answer) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in answer.body.splitlines()] if answer.status == 200 else []


def _status(line: Mapping[str, Any]) -> int:
    """As a single post would have been answered."""
    problem = line.get("problem")
    return int(problem["status"]) if problem else ACCEPTED


def _lines(rows: Sequence[tuple[str, Person]]) -> File:
    content = b"".join(
        orjson.dumps({"client_reference": key} | person.body, option=orjson.OPT_APPEND_NEWLINE)
        for key, person in rows
    )
    return File(NDJSON, _entries(rows), 1, (content,))


def _table(rows: Sequence[tuple[str, Person]]) -> File:
    """As a spreadsheet writes it, at first with a quote too many in some rows."""
    header, *right = _rows(rows)
    typed = [
        b'"' + row if person.number in BROKEN_AT_FIRST else row
        for (_, person), row in zip(rows, right, strict=True)
    ]
    return File(CSV, _entries(rows), 2, (b"".join([header, *typed]), b"".join([header, *right])))


def _entries(rows: Sequence[tuple[str, Person]]) -> list[Entry]:
    return [Entry(key, person.number) for key, person in rows]


def _rows(rows: Sequence[tuple[str, Person]]) -> list[bytes]:
    """The header and one row each."""
    bodies = [{"client_reference": key} | _cells(person.body) for key, person in rows]
    names = list(dict.fromkeys(name for body in bodies for name in body))
    return [_row(names), *(_row([body.get(name, "") for name in names]) for body in bodies)]


def _row(cells: Sequence[str]) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerow(cells)
    return file.getvalue().encode()


def _cells(body: Mapping[str, Any], way: str = "") -> dict[str, str]:
    """Columns are the way to a field with dots; answers go by the name of the questionnaire alone."""
    cells: dict[str, str] = {}
    for name, value in body.items():
        if isinstance(value, dict):
            cells |= _cells(value, "" if name == "answers" else f"{way}{name}.")
        else:
            cells[f"{way}{name}"] = _cell(value)
    return cells


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return ";".join(map(_cell, value))
        case {"day": day, "start": start, "end": end}:
            return f"{day} {start}-{end}"
        case _:
            return str(value)
