"""CloudEvents 1.0 in Kafka's binary mode: attributes are `ce_` headers, the value is the event's JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

Headers = list[tuple[str, bytes]]

SCHEMAS = "https://humqadam.example/schemas/"


class Malformed(Exception):
    """A record that is no event: a header is missing or unreadable. Its text never holds a value."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event as it travels. `sequence` is 1, 2, 3 … per topic and key without gaps."""

    id: UUID
    type: str
    source: str
    time: datetime
    key: str
    sequence: int
    traceparent: str | None
    data: bytes


def to_headers(source: str, row: Mapping[str, Any]) -> Headers:
    """The headers of one outbox row, as the CloudEvents Kafka binding (§3.2.5) writes them."""
    headers: Headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(row["event_id"]).encode()),
        ("ce_source", source.encode()),
        ("ce_type", row["type"].encode()),
        ("ce_time", _rfc3339(row["at"])),
        ("ce_subject", row["key"].encode()),
        ("ce_sequence", str(row["sequence"]).encode()),
        ("ce_dataschema", f"{SCHEMAS}{row['type']}.json".encode()),
        ("content-type", b"application/json"),
    ]
    if row["traceparent"]:
        headers.append(("traceparent", row["traceparent"].encode()))
    return headers


def read(headers: Iterable[tuple[str, bytes]], key: bytes | None, value: bytes | None) -> Envelope:
    """The event of one record; header names in any case, the last of a repeated header wins."""
    found = {name.lower(): text for name, text in headers}
    if value is None:
        raise Malformed("no value")
    try:
        return Envelope(
            id=UUID(found["ce_id"].decode()),
            type=found["ce_type"].decode(),
            source=found["ce_source"].decode(),
            time=datetime.fromisoformat(found["ce_time"].decode()),
            key=found["ce_subject"].decode() if "ce_subject" in found else (key or b"").decode(),
            sequence=int(found["ce_sequence"]),
            traceparent=_traceparent(found.get("traceparent")),
            data=value,
        )
    except KeyError as missing:
        raise Malformed(f"header {missing.args[0]} is missing") from None
    except ValueError:
        raise Malformed("a header is unreadable") from None


def sequence_of(headers: Iterable[tuple[str, bytes]]) -> int | None:
    """The sequence alone, of a tombstone too; None where there is none that can be read."""
    text = {name.lower(): text for name, text in headers}.get("ce_sequence", b"")
    return int(text) if text.isdigit() else None


def _rfc3339(at: datetime) -> bytes:
    return at.astimezone(UTC).isoformat().encode()


def _traceparent(text: bytes | None) -> str | None:
    """A malformed trace header is ignored: tracing must never stop an event."""
    if text is None or len(text) != 55:
        return None
    return text.decode("ascii", "ignore")
