"""Prints what is on a topic, as a partner would read it: the quickest way to see an event."""

import asyncio

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord


async def print_topic(bootstrap: str, topic: str) -> int:
    """Everything that is there now, one JSON object per line, oldest first within each partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        there = await consumer.topics()
        if topic not in there:
            print(f"there is no topic {topic}; there are:", *sorted(there), sep="\n  ")
            return 1
        consumer.subscribe([topic])
        while not (partitions := consumer.assignment()):
            await asyncio.sleep(0.02)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(one) < ends[one] for one in partitions]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                print(*(_line(record) for record in records), sep="\n")
    finally:
        await consumer.stop()
    return 0


def _line(record: ConsumerRecord) -> str:
    headers = {name: value.decode() for name, value in record.headers if name.startswith("ce_")}
    data = None if record.value is None else orjson.loads(record.value)
    return orjson.dumps(headers | {"data": data}).decode()
