"""Prints what is on a topic, as a partner would read it: the quickest way to see an event."""

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition


async def print_topic(bootstrap: str, topic: str) -> int:
    """Everything that is there now, one JSON object per line, oldest first within each partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        if not partitions:
            print(f"there is no topic {topic}; there are:", *sorted(await consumer.topics()), sep="\n  ")
            return 1
        consumer.assign(partitions)
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
