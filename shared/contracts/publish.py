"""Writes the published language down: one JSON Schema per event type and docs/events.md.

`python -m shared.contracts.publish` writes; `--check` fails when what is checked in is stale.
"""

import json
import sys
from pathlib import Path

from shared.contracts.base import Event, Topic
from shared.contracts.topics import EVENTS, TOPICS, partner_topic

ROOT = Path(__file__).parents[2]
SCHEMAS = Path(__file__).parent / "schemas"
PAGE = ROOT / "docs" / "events.md"

HEAD = """# Events

Generated from `shared/contracts` by `make docs`; do not edit. Every event is a CloudEvent 1.0 in Kafka's
binary mode: `ce_id` (UUIDv7), `ce_source`, `ce_type`, `ce_time`, `ce_subject` (the key), `ce_sequence`
(1, 2, 3 … per topic and key, without gaps), `ce_dataschema`, `traceparent`; the value is JSON. Readers
ignore fields and types they do not know. The contracts are a draft until the tag `contracts-1.0`.
"""


def schema_of(event: type[Event]) -> dict[str, object]:
    """The JSON Schema (2020-12) of one event type, as `ce_dataschema` points to it."""
    schema = event.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://humqadam.example/schemas/{event.type_name}.json",
        **schema,
    }


def files() -> dict[Path, str]:
    """Every generated file with its text."""
    schemas = {
        SCHEMAS / f"{name}.json": json.dumps(schema_of(event), indent=2, sort_keys=True) + "\n"
        for name, event in EVENTS.items()
    }
    return schemas | {PAGE: page()}


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
        lines += [f"### `{name}`", "", f"{(event.__doc__ or '').strip()}", "", f"Topic `{event.topic}`.", ""]
        lines += ["| field | type | required |", "|---|---|---|"]
        for field, about in event.model_fields.items():
            kind = getattr(about.annotation, "__name__", str(about.annotation))
            shown = str(about.annotation) if "[" in str(about.annotation) else kind
            lines.append(f"| {field} | `{_readable(shown)}` | {'yes' if about.is_required() else 'no'} |")
        lines.append("")
    return lines


def _readable(annotation: str) -> str:
    for prefix in ("typing.", "uuid.", "datetime.", "shared.contracts.intake.", "shared.contracts.matching."):
        annotation = annotation.replace(prefix, "")
    return annotation.replace("|", "or")


def main() -> int:
    """Writes, or checks."""
    stale = [path for path, text in files().items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        sys.stdout.writelines(f"stale: {path.relative_to(ROOT)}\n" for path in stale)
        return 1 if stale else 0
    SCHEMAS.mkdir(exist_ok=True)
    for path in stale:
        path.write_text(files()[path])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
