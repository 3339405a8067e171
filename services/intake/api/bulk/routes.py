"""POST /v1/cases/bulk: who may, in which form, and the way of a file from its first line to the last result."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from services.intake.api.bulk.answering import printed, refused_line, settled_line
from services.intake.api.bulk.columns import columns, read_header
from services.intake.api.bulk.described import CSV, NDJSON, described
from services.intake.api.bulk.reading import LineRead, LineReader, LineRefused
from services.intake.api.bulk.streams import Gone, Receive, Results, Send, batches_of
from services.intake.api.bulk.tracing import record_lines
from services.intake.api.bulk.turns import BulkTurns, Result, try_again
from services.intake.api.earlier import Try, prove_by_pin
from services.intake.domain.bulk_lines import Line, LineSplitter
from services.intake.domain.policy import Policy
from services.intake.domain.requests import EarlierCase
from services.intake.handlers.bulk import BulkLine
from services.intake.handlers.submission import Asked
from shared.web import Bodies, Principal, Problem, TooLarge, allowed
from shared.web.edge import media_type, too_large, unsupported

PATH = "/v1/cases/bulk"
BODIES = Bodies(64_000_000, (NDJSON, CSV))
# Who hands requests over hands codes and PINs back to the people: those who care for them, nobody else.
Sender = Annotated[Principal, allowed("coordinator", "clinic_desk")]
HEADERS = [(b"content-type", NDJSON.encode()), (b"cache-control", b"no-store")]
AT_A_STRETCH = 25  # lines read before a single post has its turn


@dataclass(frozen=True, slots=True)
class BulkCounter:
    """What taking files needs; `let_in` raises Problem 503 where too much waits already, `knock` tries a PIN where a line
    continues an earlier case, `new_trace` begins the trace of one line."""

    policy: Policy
    pin_key: bytes
    lookup_key: bytes
    let_in: Callable[[], Awaitable[None]]
    turns: BulkTurns
    knock: Try
    new_trace: Callable[[], str]


def bulk_routes(counter: BulkCounter) -> APIRouter:
    """The route; `BODIES` has to be told to the application."""
    router = APIRouter(tags=["cases"])

    @router.post(PATH, **described(counter.policy.instruments))
    async def ask_for_many(caller: Sender, request: Request) -> Response:
        kind = media_type(request.headers.get("content-type", ""))
        if kind not in BODIES.types:
            raise unsupported(BODIES)
        return _Answer(counter, _sender(caller), kind)

    return router


def _sender(principal: Principal) -> str:
    """Whose references they are: colleagues share them, so that one can send again what another has sent."""
    if principal.organisation is not None:
        return f"organisation:{principal.organisation}"
    return f"staff:{principal.subject}"


class _Answer(Response):
    """Reads the file while it answers it; the framework's streams cannot do both."""

    def __init__(self, counter: BulkCounter, sender: str, kind: str) -> None:
        super().__init__(media_type=NDJSON)
        self._counter = counter
        self._sender = sender
        self._kind = kind

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        splitter = LineSplitter()
        await self._counter.let_in()
        async with self._counter.turns.upload(), aclosing(batches_of(receive, splitter)) as batches:
            try:
                reader, first = await self._open(batches)
                file = _File(self._counter, reader, scope.get("traceparent", ""))
                await file.answer(first, batches, splitter, send)
            except Gone:
                return  # what was committed stays, and is told when the file comes again

    async def _open(self, batches: AsyncIterator[list[Line]]) -> tuple[LineReader, list[Line]]:
        """The reader, and the first lines after the header where there is one."""
        counter, header = self._counter, None
        lines: list[Line] = []
        try:
            lines = await anext(batches, lines)
        except TooLarge:
            raise too_large(BODIES.limit) from None
        if self._kind == CSV:
            first, *lines = lines or [Line(1, b"")]
            header = read_header(first.text, columns(tuple(counter.policy.instruments)))
        return LineReader(counter.policy, counter.lookup_key, self._sender, header), lines


class _File:
    """One file on its way through."""

    def __init__(self, counter: BulkCounter, reader: LineReader, trace: str) -> None:
        self._counter = counter
        self._reader = reader
        self._trace = trace
        self._away = False

    async def answer(
        self, first: list[Line], batches: AsyncIterator[list[Line]], splitter: LineSplitter, send: Send
    ) -> None:
        """Every line's result, in their order; the next batch is read when this one is durable."""
        results = Results(send, HEADERS)
        try:
            await results.put(await self._settle(first))
            try:
                async for lines in batches:
                    await results.put(await self._settle(lines))
            except TooLarge:
                rest = LineRefused(splitter.ended + 1, None, too_large(BODIES.limit))
                await results.put(printed([refused_line(rest)]))
            await results.end()
        finally:
            results.stop()

    async def _settle(self, lines: Sequence[Line]) -> bytes:
        started = time.time_ns()
        read = await self._read(lines)
        good = [line for line in read if isinstance(line, LineRead)]
        traces = [self._counter.new_trace() for _ in good]
        results = await self._take(
            [
                BulkLine(line.reference, line.body_hash, Asked(line.request, trace))
                for line, trace in zip(good, traces, strict=True)
            ]
        )
        record_lines(traces, upload=self._trace, path=PATH, started=started)
        settled = iter(results)
        return printed(
            refused_line(line)
            if isinstance(line, LineRefused)
            else settled_line(line, next(settled), self._counter.pin_key)
            for line in read
        )

    async def _take(self, lines: Sequence[BulkLine]) -> Sequence[Result]:
        """Once the database has stayed away, the rest of the file is told so without more waiting."""
        if self._away:
            return [try_again()] * len(lines)
        results = await self._counter.turns.settle(lines, self._reader.sender)
        self._away = any(isinstance(one, Problem) and one.status == 503 for one in results)
        return results

    async def _read(self, lines: Sequence[Line]) -> list[LineRead | LineRefused]:
        read = []
        for start in range(0, len(lines), AT_A_STRETCH):
            found = (self._reader.read(line) for line in lines[start : start + AT_A_STRETCH])
            read += [line for line in found if line is not None]
            await asyncio.sleep(0)
        return await asyncio.gather(*map(self._prove, read)) if any(map(_continues, read)) else read

    async def _prove(self, line: LineRead | LineRefused) -> LineRead | LineRefused:
        """Many knock together, which is one look at the database."""
        earlier = _continues(line)
        if earlier is None or isinstance(line, LineRefused):
            return line
        try:
            case_id = await prove_by_pin(self._counter.knock, earlier)
        except Problem as problem:
            return LineRefused(line.number, line.client_reference, problem)
        return replace(line, request=replace(line.request, continues=case_id))


def _continues(line: LineRead | LineRefused) -> EarlierCase | None:
    earlier = line.request.continues if isinstance(line, LineRead) else None
    return earlier if isinstance(earlier, EarlierCase) else None
