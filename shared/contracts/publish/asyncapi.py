"""AsyncAPI 3.0: what an application sends and receives over Kafka, complete in one document.

An operation is told from the application's own side; a channel is a topic with its Kafka settings; a message has the
CloudEvents headers, the payload's schema and an example.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.contracts.base import Event, Topic
from shared.contracts.examples import EXAMPLES
from shared.contracts.publish.schemas import address_of
from shared.contracts.topics import EVENTS, GROUPS, TOPICS, partner_topic, topics_of

Json = dict[str, Any]

BINDING = "0.5.0"
DAY_MS = 86_400_000
SCHEMAS = "#/components/schemas/"
UUID7 = "019abf2e-9f00-7a10-8c3d-5b6e7f809a01"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
# Groups that are processes of a service under another name.
OWNERS = {"pager": "notifications"}


def documents() -> dict[str, Json]:
    """The document of every service, by its name."""
    return {service: document(service) for service in dict.fromkeys(topic.producer for topic in _topics())}


def document(service: str) -> Json:
    """What one service sends and receives."""
    sent = [topic for topic in _topics() if topic.producer == service]
    heard = [
        (group, topic) for group, topic in _heard() if OWNERS.get(group, group.partition(".")[0]) == service
    ]
    topics = {topic.name: topic for topic in [*sent, *(topic for _, topic in heard)]}
    operations = {f"send.{topic.name}": sending(topic) for topic in sent}
    operations |= {f"{group}.receive.{topic.name}": receiving(topic, group) for group, topic in heard}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Humqadam: {service}",
            "version": "1.0.0-draft",
            "description": "Generated from `shared/contracts` by `make docs`; do not edit. A draft until `contracts-1.0`.",
        },
        "defaultContentType": "application/json",
        "servers": {"broker": BROKER},
        "channels": {topic.name: channel(topic) for topic in topics.values()},
        "operations": operations,
        "components": components(topics.values()),
    }


BROKER: Json = {
    "host": "{bootstrap}",
    "protocol": "kafka",
    "description": "Apache Kafka 4. TLS and SASL are the deployment's.",
    "variables": {
        "bootstrap": {"default": "127.0.0.1:9092", "description": "KAFKA_BOOTSTRAP_SERVERS of the process."}
    },
}


def channel(topic: Topic) -> Json:
    """One topic with its key, its messages and how long they are kept."""
    days = topic.retention_days
    kept = (
        f"for {days} days"
        if days
        else "for ever: the latest of every key, and a record without a value ends it"
    )
    configuration = {
        "cleanup.policy": ["compact" if topic.compacted else "delete"],
        "retention.ms": -1 if days is None else days * DAY_MS,
    }
    return {
        "address": topic.name,
        "description": f"Keyed by `{topic.key}`, in order per key. Lane: {topic.lane}. Kept {kept}.",
        "messages": {
            one.type_name: {"$ref": f"#/components/messages/{one.type_name}"} for one in carried(topic)
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": BINDING,
            }
        },
    }


def sending(topic: Topic) -> Json:
    """The application writes to this topic."""
    return {"action": "send", "summary": f"Says what it knows on `{topic.name}`.", **_on(topic)}


def receiving(topic: Topic, group: str) -> Json:
    """The application reads this topic in a consumer group; types it does not know are skipped."""
    bindings = {"kafka": {"groupId": {"type": "string", "enum": [group]}, "bindingVersion": BINDING}}
    return {"action": "receive", "summary": f"Reads `{topic.name}`.", **_on(topic), "bindings": bindings}


def components(topics: Iterable[Topic]) -> Json:
    """Messages and schemas of these topics; every reference stays inside the document."""
    events = {one.type_name: one for topic in topics for one in carried(topic)}
    schemas: Json = {"CloudEvent": HEADERS}
    for event in events.values():
        schema = event.model_json_schema(ref_template=f"{SCHEMAS}{{model}}")
        schemas |= schema.pop("$defs", {})
        schemas[event.type_name] = schema
    return {"messages": {name: message(one) for name, one in events.items()}, "schemas": schemas}


def message(event: type[Event]) -> Json:
    """One event type: headers, payload, key and an example."""
    name, summary = event.type_name, (event.__doc__ or "").strip().splitlines()[0]
    own = {
        "ce_type": {"const": name},
        "ce_source": {"const": name.partition(".")[0]},
        "ce_dataschema": {"const": address_of(event)},
    }
    return {
        "name": name,
        "title": event.__name__,
        "summary": summary,
        "contentType": "application/json",
        "headers": {"allOf": [{"$ref": f"{SCHEMAS}CloudEvent"}, {"type": "object", "properties": own}]},
        "payload": {"$ref": f"{SCHEMAS}{name}"},
        "correlationId": {
            "description": "One trace from the request to the last message (W3C Trace Context).",
            "location": "$message.header#/traceparent",
        },
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"`{event.key_field}`, the same as `ce_subject`."},
                "bindingVersion": BINDING,
            }
        },
        "examples": [
            {"name": "example", "headers": headers_of(EXAMPLES[name]), "payload": payload_of(EXAMPLES[name])}
        ],
    }


def payload_of(example: Event) -> Json:
    """The value of the record, as JSON."""
    return example.model_dump(mode="json")


def headers_of(example: Event) -> dict[str, str]:
    """The headers of the record; the id, sequence and trace are made up."""
    return {
        "ce_specversion": "1.0",
        "ce_id": UUID7,
        "ce_source": example.type_name.partition(".")[0],
        "ce_type": example.type_name,
        "ce_time": "2026-11-26T09:16:04.120331+00:00",
        "ce_subject": example.key,
        "ce_sequence": "1",
        "ce_dataschema": address_of(type(example)),
        "content-type": "application/json",
        "traceparent": TRACE,
    }


def carried(topic: Topic) -> list[type[Event]]:
    """The event types of a topic; those of partners go to each organisation's own."""
    stem = "partners.bookings" if topic.producer == "partners" else topic.name
    return [event for event in EVENTS.values() if stem in topics_of(event)]


HEADERS: Mapping[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0 in Kafka's binary mode: every attribute is a header of UTF-8 text.",
    "required": [
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_time",
        "ce_subject",
        "ce_sequence",
        "ce_dataschema",
        "content-type",
    ],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {
            "type": "string",
            "format": "uuid",
            "description": "UUIDv7. Seen before: the same event again.",
        },
        "ce_source": {"type": "string", "description": "The service that says it."},
        "ce_type": {"type": "string", "description": "Unknown types are to be skipped."},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string", "description": "What it is about; the record's key."},
        "ce_sequence": {
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
            "description": "1, 2, 3 … per topic and key, without gaps.",
        },
        "ce_dataschema": {
            "type": "string",
            "format": "uri",
            "description": "Names the payload's JSON Schema.",
        },
        "content-type": {"const": "application/json"},
        "traceparent": {
            "type": "string",
            "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
            "description": "W3C Trace Context; may be missing.",
        },
    },
}


def _topics() -> list[Topic]:
    return [*TOPICS, partner_topic("rehmat-hospital")]


def _heard() -> Iterable[tuple[str, Topic]]:
    by_name = {topic.name: topic for topic in TOPICS}
    return [(group, by_name[name]) for group, names in GROUPS.items() for name in names]


def _on(topic: Topic) -> Json:
    name = topic.name
    messages = [{"$ref": f"#/channels/{name}/messages/{one.type_name}"} for one in carried(topic)]
    return {"channel": {"$ref": f"#/channels/{name}"}, "messages": messages}
