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

# Whoever builds a reader from the plan looks for these. By topic: types, then fields of types that there are.
NOT_SAID_YET: dict[str, tuple[tuple[str, ...], str]] = {
    "intake.people": (("person_erased",), "nobody can ask for it yet; that keys are deleted by it is there and tested"),
    "intake.contacts": ((), "the code word of a call"),
    "matching.outcomes": (("rescreen_due",), "how long a wait is likely to be (`case_waitlisted` has the next review)"),
    "matching.therapists": ((), "from when until when a `status` holds, and until when somebody is supervised"),
    "scheduling.circles": (("circle_changed",), "the topic is not there either"),
    "scheduling.appointments": (("appointment_change_proposed",), "which hour of how many of a series it is"),
    "scheduling.sites": ((), "opening hours"),
    "partners.bookings.<organisation>": (("booking_record_erased",), "the partner's own reference of a booking"),
}  # fmt: skip
BESIDES = """`notifications.message_planned` will not come: a delivery says what became of a message
([0008](decisions/0008-deliveries-say-outcomes.md)). Answers come with the whole request: there is no state `started`,
and no route that takes them questionnaire by questionnaire."""


def page() -> str:
    """docs/events.md: the table of topics, every type with its fields, and what nobody says yet."""
    topics = [*TOPICS, partner_topic("<organisation>")]
    return "\n".join([HEAD, "## Topics", "", *_topic_table(topics), "", *_types(), *_not_said_yet()]) + "\n"


def _not_said_yet() -> list[str]:
    rows = [
        f"| `{topic}` | {', '.join(f'`{one}`' for one in types) or '-'} | {what} |"
        for topic, (types, what) in NOT_SAID_YET.items()
    ]
    head = ["## Not yet said", "", "Planned, and said by nobody; each will be an addition.", ""]
    return [*head, "| topic | types | fields, and why |", "|---|---|---|", *rows, "", BESIDES]


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
