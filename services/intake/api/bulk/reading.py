"""One line of a file becomes a request, or the problem that the same request alone would have met."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from services.intake.api.bulk.columns import REFERENCE
from services.intake.api.problems import refused
from services.intake.api.requests import CaseSent
from services.intake.domain.bulk_cells import Column, body_of, split_row
from services.intake.domain.bulk_lines import LINE_LIMIT, Line
from services.intake.domain.checking import check
from services.intake.domain.policy import Policy
from services.intake.domain.requests import CareRequest
from shared.web import FieldProblem, Problem, parse

# Opaque: letters, digits and what stands between them, so that it can be printed, quoted and searched for.
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")


@dataclass(frozen=True, slots=True)
class LineRead:
    """A line that can be taken. The hashes are keyed: a plain one could be guessed from few answers."""

    number: int
    client_reference: str
    reference: bytes
    body_hash: bytes
    request: CareRequest


@dataclass(frozen=True, slots=True)
class LineRefused:
    """A line that cannot; the reference is told where there is a usable one."""

    number: int
    client_reference: str | None
    problem: Problem


@dataclass(frozen=True, slots=True)
class LineReader:
    """Reads the lines of one sender; `columns` are those of a table, None for JSON."""

    policy: Policy
    lookup_key: bytes
    sender: str
    columns: tuple[Column, ...] | None

    def read(self, line: Line) -> LineRead | LineRefused | None:
        """None for a row of empty cells."""
        reference = None
        try:
            body = self._body(line.text)
            if body == {}:
                return None
            reference, missing = _take_reference(body)
            sent = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
            request = _request(self.policy, sent, missing)
        except Problem as problem:
            return LineRefused(line.number, reference, problem)
        except (orjson.JSONEncodeError, RecursionError):
            return LineRefused(line.number, reference, _broken("This line is nested too deeply."))
        assert reference is not None
        return LineRead(line.number, reference, self._named(reference), self._digest(sent), request)

    def _body(self, text: bytes | None) -> Any:
        if text is None:
            raise Problem(413, "too_large", f"At most {LINE_LIMIT} bytes of a line are read.")
        return _from_json(text) if self.columns is None else _from_row(text, self.columns)

    def _named(self, reference: str) -> bytes:
        of_sender = orjson.dumps([self.sender, reference])
        return blake2b(of_sender, key=self.lookup_key, digest_size=16, person=b"bulk reference").digest()

    def _digest(self, sent: bytes) -> bytes:
        """Of what was meant: other spacing, another order of fields, or a table instead of JSON is the same."""
        return blake2b(sent, key=self.lookup_key, digest_size=32, person=b"bulk body").digest()


def _from_json(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _broken("This line is not JSON.") from None


def _from_row(text: bytes, columns: tuple[Column, ...]) -> Mapping[str, Any]:
    try:
        cells = split_row(text.decode())
    except UnicodeDecodeError:
        raise _broken("This row is not UTF-8.", "broken_csv") from None
    if cells is None:
        raise _broken("A quote in this row is left open or out of place.", "broken_csv")
    if not any(cell.strip() for cell in cells):
        return {}
    if len(cells) != len(columns):
        detail = f"This row has {len(cells)} cells, its header {len(columns)}."
        raise _broken(detail, "broken_csv")
    return body_of(columns, cells)


def _take_reference(body: Any) -> tuple[str | None, list[FieldProblem]]:
    """The reference out of the body, or what is wrong with it."""
    found = body.pop(REFERENCE, None) if isinstance(body, dict) else None
    if isinstance(found, str) and _REFERENCE.fullmatch(found):
        return found, []
    detail = "1 to 64 letters, digits or . _ : / - of your own, the same whenever this request is sent."
    return None, [FieldProblem(f"/{REFERENCE}", "missing_or_malformed", detail)]


def _request(policy: Policy, sent: bytes, missing: list[FieldProblem]) -> CareRequest:
    try:
        care = check(policy, parse(CaseSent, sent).meant())
        if isinstance(care, list):
            raise refused(care)
    except Problem as problem:
        problem.fields = [*missing, *problem.fields]
        raise
    if missing:
        raise Problem(422, "invalid_request", "Some fields cannot be accepted.", missing)
    return care


def _broken(detail: str, code: str = "broken_json") -> Problem:
    return Problem(400, code, detail)
