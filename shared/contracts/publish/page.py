"""docs/events.md: every topic and every event type on one page, for people."""

import json

from shared.contracts.base import Event, Topic
from shared.contracts.examples import EXAMPLES
from shared.contracts.publish.asyncapi import payload_of
from shared.contracts.topics import EVENTS, TOPICS, partner_topic, topics_of

HEAD = """# Events

Generated from `shared/contracts` by `make docs`; do not edit. Every event is a CloudEvent 1.0 in Kafka's
binary mode: `ce_id` (UUIDv7), `ce_source`, `ce_type`, `ce_time`, `ce_subject` (the key), `ce_sequence`
(1, 2, 3 … per topic and key, without gaps), `ce_dataschema`, `traceparent`; the value is JSON. Readers
ignore fields and types they do not know. The same for tools: `docs/asyncapi`. The contracts are a draft until the tag `contracts-1.0`.
"""


def page() -> str:
    """docs/events.md: the table of topics, then every type with its fields."""
    topics = [*TOPICS, partner_topic("<organisation>")]
    return "\n".join([HEAD, "## Topics", "", *_topic_table(topics), "", *_types()]) + "\n"


def _topic_table(topics: list[Topic]) -> list[str]:
    rows = ["| topic | key | lane | partitions | kept | read by |", "|---|---|---|---|---|---|"]
    for topic in topics:
        kept = "compacted, for ever" if topic.compacted else f"{topic.retention_days} days"
        readers = ", ".join(topic.readers)
        rows.append(
            f"| `{topic.name}` | {topic.key} | {topic.lane} | {topic.partitions} | {kept} | {readers} |"
        )
    return rows


def _types() -> list[str]:
    lines = ["## Types", ""]
    for name, event in EVENTS.items():
        lines += [f"### `{name}`", "", f"{(event.__doc__ or '').strip()}", "", _where(event), ""]
        lines += ["| field | type | required |", "|---|---|---|"]
        for field, about in event.model_fields.items():
            kind = getattr(about.annotation, "__name__", str(about.annotation))
            shown = str(about.annotation) if "[" in str(about.annotation) else kind
            lines.append(f"| {field} | `{_readable(shown)}` | {'yes' if about.is_required() else 'no'} |")
        example = json.dumps(payload_of(EXAMPLES[name]), indent=1)
        lines += [
            "",
            "<details><summary>Example</summary>",
            "",
            "```json",
            example,
            "```",
            "",
            "</details>",
            "",
        ]
    return lines


def _where(event: type[Event]) -> str:
    topics = " or ".join(f"`{topic}`" for topic in topics_of(event))
    return f"Topic {topics}."


def _readable(annotation: str) -> str:
    for prefix in ("typing.", "uuid.", "datetime.", "shared.contracts.intake.", "shared.contracts.matching."):
        annotation = annotation.replace(prefix, "")
    return annotation.replace("|", "or")
