"""What is checked in is what the code says, and no event can carry what must not travel."""

import json
import re
from typing import Any

import pytest

from shared.contracts import publish
from shared.contracts.base import Event
from shared.contracts.publish.page import NOT_SAID_YET
from shared.contracts.topics import EVENTS, TOPICS, partner_topic

FORBIDDEN = re.compile(r"name|phone|address$|answer|score|email|notes?$|text$|diagnos", re.IGNORECASE)
# `address` on a contact point is sealed, `text_version` names a consent text: neither can be read.
ALLOWED = {("intake.contact_changed.v1", "address"), ("intake.consent_changed.v1", "text_version")}
CLINICAL = {"problem_areas", "step", "step_reasons", "level"}
CLINICAL_TOPICS = {"intake.cases", "intake.alarms", "scheduling.circles"}


def test_schemas_and_the_events_page_are_current() -> None:
    stale = [path.name for path, text in publish.files().items() if path.read_text() != text]
    assert stale == [], "run `make docs`"


def test_no_schema_of_a_type_that_is_gone_is_left_behind() -> None:
    assert {path.stem for path in publish.SCHEMAS.glob("*.json")} == set(EVENTS)


def test_what_the_page_calls_not_yet_said_is_said_by_nobody() -> None:
    topics = {topic.name for topic in (*TOPICS, partner_topic("<organisation>"))}
    for topic, (types, _) in NOT_SAID_YET.items():
        producer = topic.partition(".")[0]
        assert not {f"{producer}.{one}.v1" for one in types} & set(EVENTS)
        assert topic in topics or topic == "scheduling.circles"
    assert "## Not yet said" in publish.PAGE.read_text()


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_an_event_is_named_after_its_producer_and_belongs_to_one_topic(event: type[Event]) -> None:
    producer, fact = event.type_name.split(".")[:2]
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()
    assert fact == snake
    owners = {t.name: t.producer for t in (*TOPICS, partner_topic("x"))} | {"partners.bookings": "partners"}
    assert owners[event.topic] == producer
    assert event.key_field in event.model_fields


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_no_event_has_a_field_for_a_name_an_address_an_answer_or_free_text(event: type[Event]) -> None:
    for field in _fields(publish.schema_of(event)):
        assert not FORBIDDEN.search(field) or (event.type_name, field) in ALLOWED, field


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_clinical_codes_travel_on_the_three_topics_only(event: type[Event]) -> None:
    if CLINICAL & set(event.model_fields):
        assert event.topic in CLINICAL_TOPICS


def test_only_matching_and_the_duty_desk_may_read_clinical_topics() -> None:
    for topic in TOPICS:
        if topic.name in CLINICAL_TOPICS:
            assert set(topic.readers) <= {"matching", "pager"}


def test_a_partner_event_names_no_case_and_no_person() -> None:
    for event in EVENTS.values():
        if event.topic == "partners.bookings":
            assert not [
                f for f in event.model_fields if re.search(r"case|person|attendee|match|appointment", f)
            ]


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_a_reader_ignores_fields_it_does_not_know(event: type[Event]) -> None:
    assert event.model_config["extra"] == "ignore"
    assert event.model_config["frozen"] is True


def _fields(schema: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(schema, dict):
        found |= set(schema.get("properties", {}))
        for part in schema.values():
            found |= _fields(part)
    return found


def test_checked_in_schemas_are_json_schemas_with_absolute_ids() -> None:
    for path in publish.SCHEMAS.glob("*.json"):
        schema = json.loads(path.read_text())
        assert schema["$id"] == f"https://humqadam.example/schemas/{path.stem}.json"
