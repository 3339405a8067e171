"""The records of the topics, read from the log by a client outside every group."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.base import Topic
from shared.contracts.intake import AlarmRaised
from simulation.history.effects import ONCE
from simulation.history.facts import Record


@dataclass(slots=True)
class Logs:
    """All records of interest in the order of each partition, and the alarms among them."""

    records: list[Record] = field(default_factory=list)
    alarms: set[UUID] = field(default_factory=set)


async def read_logs(
    bootstrap: str, topics: Iterable[Topic], *, since: float, keys: Container[str] | None
) -> Logs:
    """Reads topics from that Unix time to their present ends; `keys` restricts to these keys."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, client_id="evidence", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        places = [TopicPartition(t.name, number) for t in topics for number in range(t.partitions)]
        ends = await consumer.end_offsets(places)
        found = await consumer.offsets_for_times(dict.fromkeys(places, int(since * 1000)))
        starts = {place: at.offset for place, at in found.items() if at is not None}
        return await _read(consumer, starts, ends, keys)
    finally:
        await consumer.stop()


async def _read(
    consumer: AIOKafkaConsumer, starts: dict[Any, int], ends: dict[Any, int], keys: Container[str] | None
) -> Logs:
    logs = Logs()
    left = {place for place, offset in starts.items() if offset < ends[place]}
    consumer.assign(list(left))
    for place in left:
        consumer.seek(place, starts[place])
    while left:
        for place, records in (await consumer.getmany(timeout_ms=500, max_records=5000)).items():
            for record in records:
                _keep(logs, record, keys)
            if records[-1].offset + 1 >= ends[place]:
                left.discard(place)
    return logs


def _keep(logs: Logs, record: Any, keys: Container[str] | None) -> None:
    key = (record.key or b"").decode()
    if keys is not None and key not in keys:
        return
    headers = dict(record.headers)
    if "ce_id" not in headers:  # no event of anybody's
        return
    kind = headers["ce_type"].decode()
    sequence, event_id = int(headers["ce_sequence"]), UUID(headers["ce_id"].decode())
    said = orjson.loads(record.value) if kind in ONCE else {}
    fact = " ".join(str(said[name]) for name in ONCE.get(kind, ()))
    place = (record.topic, record.partition, record.offset, key)
    logs.records.append(Record(*place, event_id, kind, sequence, fact))
    if kind == AlarmRaised.type_name:
        logs.alarms.add(UUID(said["alarm_id"]))
