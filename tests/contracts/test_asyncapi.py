"""The AsyncAPI documents: valid by the official schema, complete in themselves, and what the services are wired to."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from shared.contracts import publish
from shared.contracts.examples import EXAMPLES
from shared.contracts.topics import EVENTS, GROUPS, TOPICS, partner_topic, topics_of
from shared.settings import read_yaml

ROOT = Path(__file__).parents[2]
OFFICIAL = Draft7Validator(
    json.loads((Path(__file__).parent / "vendor" / "asyncapi-3.0.0.json").read_text()),
    format_checker=Draft7Validator.FORMAT_CHECKER,
)
DOCUMENTS = {path.stem: read_yaml(path) for path in sorted(publish.ASYNCAPI.glob("*.yaml"))}
MESSAGES = [
    (f"{name} {message}", document, one)
    for name, document in DOCUMENTS.items()
    for message, one in document["components"]["messages"].items()
]
RULE = pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
EACH_MESSAGE = pytest.mark.parametrize(
    ("document", "message"), [one[1:] for one in MESSAGES], ids=[one[0] for one in MESSAGES]
)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        part = dict(enumerate(part))
    if isinstance(part, dict):
        for name, one in part.items():
            if name == "$ref":
                yield one
            else:
                yield from references(one)


def found(document: Any, reference: str) -> Any:
    """What a reference inside the document points to. Raises KeyError."""
    part = document
    for step in reference.removeprefix("#/").split("/"):
        part = part[step]
        if "$ref" in part:
            part = found(document, part["$ref"])
    return part


def validator(document: Any, schema: Any) -> Draft202012Validator:
    """Of one schema of the document, with the references of the whole."""
    whole = {**schema, "components": document["components"]}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)


def consumers(service: str) -> Iterator[tuple[str, Any]]:
    """(group, topics) of every `kernel.consumer(...)` in the service's main (the console's roles), as its own names say."""
    module = __import__(
        f"services.{service}.{'roles' if service == 'console' else 'main'}", fromlist=["main"]
    )
    for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "consumer":
            for lane in ("online", "in_person"):
                group, topics = [
                    eval(compile(ast.Expression(one), "main", "eval"), vars(module) | {"lane": lane})
                    for one in node.args[:2]
                ]
                yield group, tuple(topics)


@RULE
def test_a_document_is_valid_asyncapi_3(document: Any) -> None:
    assert [f"{error.json_path}: {error.message[:200]}" for error in OFFICIAL.iter_errors(document)] == []


@RULE
def test_a_document_is_complete_in_itself(document: Any) -> None:
    outside = [one for one in references(document) if not one.startswith("#/")]
    assert outside == []
    for one in references(document):
        found(document, one)


@EACH_MESSAGE
def test_a_message_has_a_schema_that_is_one_and_an_example_that_keeps_it(document: Any, message: Any) -> None:
    [example] = message["examples"]
    for part in ("headers", "payload"):
        schema = message[part]
        Draft202012Validator.check_schema(schema)
        assert [error.message for error in validator(document, schema).iter_errors(example[part])] == [], part
    assert example["headers"]["ce_type"] == message["name"]


@EACH_MESSAGE
def test_a_header_that_is_wrong_is_refused(document: Any, message: Any) -> None:
    [example] = message["examples"]
    judge = validator(document, message["headers"])
    for name in ("ce_id", "ce_type", "ce_subject", "ce_sequence", "content-type"):
        assert not judge.is_valid({key: one for key, one in example["headers"].items() if key != name}), name
    for wrong in ({"ce_type": "intake.other.v1"}, {"ce_sequence": "0"}, {"traceparent": "1"}, {"ce_id": "1"}):
        assert not judge.is_valid(example["headers"] | wrong), wrong


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_type_has_an_example_that_its_checked_in_schema_takes(name: str) -> None:
    assert name in EXAMPLES, "an example in shared/contracts/examples"
    schema = json.loads((publish.SCHEMAS / f"{name}.json").read_text())
    judge = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert [error.message for error in judge.iter_errors(EXAMPLES[name].model_dump(mode="json"))] == []


@pytest.mark.parametrize("name", EVENTS)
def test_an_example_goes_where_its_type_is_said_to_go(name: str) -> None:
    example = EXAMPLES[name]
    assert example.destination.removesuffix(".rehmat-hospital") in topics_of(type(example))


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_type_is_sent_by_one_service_and_told_by_everybody_who_reads_it(name: str) -> None:
    def saying(action: str) -> set[str]:
        return {
            service
            for service, document in DOCUMENTS.items()
            for one in document["operations"].values()
            if one["action"] == action and name in [m["$ref"].rpartition("/")[2] for m in one["messages"]]
        }

    assert saying("send") == {name.partition(".")[0]}
    if name.startswith("partners."):
        assert saying("receive") == {publish.PARTNER.stem}


def test_a_channel_is_the_topic_that_is_created() -> None:
    topics = {topic.name: topic for topic in (*TOPICS, partner_topic("rehmat-hospital"))}
    seen = set()
    for name, document in DOCUMENTS.items():
        for channel in document["channels"].values():
            if name == publish.PARTNER.stem:
                continue
            topic, kafka = topics[channel["address"]], channel["bindings"]["kafka"]
            seen.add(topic.name)
            assert kafka["partitions"] == topic.partitions
            days = topic.retention_days
            assert kafka["topicConfiguration"] == {
                "cleanup.policy": ["compact" if topic.compacted else "delete"],
                "retention.ms": -1 if days is None else days * 24 * 3600 * 1000,
            }
    assert seen == set(topics)


def test_the_groups_that_are_published_are_the_groups_that_are_wired() -> None:
    services = [path.parent.name for path in (ROOT / "services").glob("*/main.py")]
    wired = dict(one for service in services for one in consumers(service))
    assert {group: sorted(topics) for group, topics in wired.items()} == {
        group: sorted(topics) for group, topics in GROUPS.items()
    }


def test_the_partners_document_names_no_topic_and_no_type_of_ours() -> None:
    document = DOCUMENTS[publish.PARTNER.stem]
    assert [one["address"] for one in document["channels"].values()] == ["partners.bookings.{organisation}"]
    assert {name.partition(".")[0] for name in document["components"]["messages"]} == {"partners"}
    assert [one["action"] for one in document["operations"].values()] == ["receive"]
    for word in ("case_id", "person_id", "attendee", "intake.", "matching.", "scheduling."):
        assert word not in publish.PARTNER.read_text()


def test_no_document_of_a_service_that_is_gone_is_left_behind() -> None:
    assert {path for path in publish.files() if path.parent == publish.ASYNCAPI} == set(
        publish.ASYNCAPI.glob("*.yaml")
    )
