"""JSON logs on standard output with an allow-list of fields, and a net under it for what looks like a person."""

import logging
import re
import sys
from datetime import UTC, datetime

import orjson

FIELDS = frozenset(
    {
        "action",
        "attempts",
        "case_id",
        "event",
        "group",
        "kind",
        "lane",
        "name",
        "partition",
        "purpose",
        "reason",
        "seconds",
        "state",
        "topic",
        "trace_id",
        "type",
        "waits_for",
    }
)

# The net: API keys, e-mail addresses, anything with eight digits or more in a row (phones, also with separators),
# and Postgres's DETAIL lines, which quote row values. Ids are kept: UUIDs and long hexadecimal numbers.
ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{16,}\b"
PERSONAL = re.compile(
    rf"hq_\w+|(?P<id>{ID})|DETAIL:.*|\bKey \(.*|[^\s@]+@[^\s@]+|\+?\d(?:[ -]?\d){{7,}}", re.DOTALL
)


def redact(text: str) -> str:
    """The text without what looks like a person's data."""
    return PERSONAL.sub(lambda found: found["id"] or "[removed]", text)


class JsonLines(logging.Formatter):
    """One object per line; only fields on the list, exception types without their texts."""

    def __init__(self, service: str, role: str) -> None:
        super().__init__()
        self._service = service
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "service": self._service,
            "role": self._role,
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        line |= {name: _short(value) for name, value in vars(record).items() if name in FIELDS - {"name"}}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["where"] = _frames(record)
        return orjson.dumps(line).decode()


def start_logs(service: str, role: str, level: str) -> None:
    """Replaces every handler: no library may log around the redaction."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(service, role))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # Libraries speak when something is wrong; their everyday chatter may quote what they carry.
    for noisy in ("aiokafka", "aiohttp", "uvicorn", "asyncio", "urllib3", "mail"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _short(value: object) -> object:
    return value if isinstance(value, int | float | bool) or value is None else redact(str(value))[:200]


def _frames(record: logging.LogRecord) -> list[str]:
    found = []
    trace = record.exc_info[2] if record.exc_info else None
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return found[-8:]
