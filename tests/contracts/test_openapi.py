"""What every application says of itself is valid OpenAPI 3.1 by the official schema, and whoever reads it can call it."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from deploy.applications import descriptions

OFFICIAL_FOLDER = Path(__file__).parent / "vendor"
OFFICIAL = json.loads((OFFICIAL_FOLDER / "openapi-3.1.json").read_text())
DOCUMENTS = descriptions()


def operations() -> Iterator[tuple[str, Any]]:
    for name, document in DOCUMENTS.items():
        for path, described in document["paths"].items():
            for method, operation in described.items():
                yield f"{name} {method.upper()} {path}", operation


def bodies() -> list[tuple[str, Any]]:
    """What is sent, by operation and media type."""
    return [
        (f"{where} {kind}", content)
        for where, operation in operations()
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
    ]


def parts(where: str, example: Any) -> list[Any]:
    """What the schema beside an example is about: of a file of lines each line."""
    return [json.loads(line) for line in example.splitlines()] if where.endswith("ndjson") else [example]


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_description_is_valid_openapi(document: Any) -> None:
    found = Draft202012Validator(OFFICIAL).iter_errors(document)
    assert [(error.json_path, error.message[:200]) for error in found] == []


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_operations_of_an_application_have_names_of_their_own(document: Any) -> None:
    names = [one["operationId"] for described in document["paths"].values() for one in described.values()]
    assert len(names) == len(set(names))


def test_every_operation_says_what_it_does() -> None:
    silent = [where for where, one in operations() if not one.get("summary") or not one.get("description")]
    assert silent == []


def test_every_operation_says_how_it_tells_what_went_wrong() -> None:
    for where, one in operations():
        told = {"default", "401", "403"} if one["security"] else {"default"}
        assert told <= set(one["responses"]), where
        for status in told:
            assert list(one["responses"][status]["content"]) == ["application/problem+json"], where


def test_every_body_is_described_with_an_example() -> None:
    assert [where for where, content in bodies() if not content.get("examples")] == []


@pytest.mark.parametrize(("where", "content"), bodies(), ids=[where for where, _ in bodies()])
def test_an_example_is_valid_by_the_schema_beside_it(where: str, content: Any) -> None:
    schema = content.get("schema", {})
    Draft202012Validator.check_schema(schema)
    checking = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for name, example in content["examples"].items():
        for part in parts(where, example["value"]):
            assert [error.message for error in checking.iter_errors(part)] == [], name


def test_the_judges_are_the_official_schemas_unchanged() -> None:
    said = (OFFICIAL_FOLDER / "README.md").read_text()
    schemas = sorted(OFFICIAL_FOLDER.glob("*.json"))
    assert len(schemas) == said.count(".json` |")
    for file in schemas:
        assert f"`{file.name}`" in said
        assert hashlib.sha256(file.read_bytes()).hexdigest() in said
