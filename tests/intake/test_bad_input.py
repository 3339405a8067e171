"""What cannot be accepted is told field by field, with whom to call, and leaves no trace in any table."""

import copy
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest

from services.intake.api.requests import EXAMPLE
from tests.intake.conftest import IntakeDatabase

Change = tuple[str, Any]
MISSING = object()


def changed(*changes: Change) -> dict[str, Any]:
    """The example with values put at dotted paths, or taken away."""
    body = copy.deepcopy(EXAMPLE)
    for path, value in changes:
        *way, last = path.split(".")
        place: Any = body
        for step in way:
            place = place[int(step) if isinstance(place, list) else step]
        if value is MISSING:
            del place[last]
        else:
            place[int(last) if isinstance(place, list) else last] = value
    return body


async def refused(people: httpx2.AsyncClient, store: IntakeDatabase, **request: Any) -> dict[str, Any]:
    """The problem document; nothing was written."""
    before = await store.rows()
    headers = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"} | request.pop(
        "headers", {}
    )
    answer = await people.post("/v1/cases", headers=headers, **request)
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == answer.status_code
    assert {"15", "115", "1122"} <= {line["dial"] for line in body["crisis"]["lines"]}
    assert await store.rows() == before
    return body


NO_ADDRESS = ("contact.address", MISSING)
FIELDS: list[tuple[list[Change], str, str]] = [
    ([("nickname", "x")], "/nickname", "unknown_field"),
    ([("contact.colour", "x")], "/contact/colour", "unknown_field"),
    ([("answers.gad7", [0])], "/answers/gad7", "wrong_length"),
    ([("answers.gad9", [0])], "/answers/gad9", "unknown_instrument"),
    ([("answers.who5", [0, 1, 2, 3, 6])], "/answers/who5/4", "out_of_range"),
    ([("answers.srq20", [2] + [0] * 19)], "/answers/srq20/0", "out_of_range"),
    ([("answers.pc_ptsd5", [1, "yes", 0, 0, 0, 0])], "/answers/pc_ptsd5/1", "int_type"),
    ([("answers.audit_c", None)], "/answers/audit_c", "tuple_type"),
    ([("red_flags", ["sadness"])], "/red_flags/0", "literal_error"),
    ([("red_flags", ["mania", "mania"])], "/red_flags/1", "repeated"),
    ([("gender", "x")], "/gender", "literal_error"),
    ([("max_fee", "2000")], "/max_fee", "int_type"),
    ([("max_fee", 1.5)], "/max_fee", "int_type"),
    ([("max_fee", True)], "/max_fee", "int_type"),
    ([("max_fee", -1)], "/max_fee", "greater_than_equal"),
    ([("languages", "ur")], "/languages", "tuple_type"),
    ([("languages", [])], "/languages", "too_short"),
    ([("languages", ["ur"] * 20)], "/languages", "too_many"),
    ([("languages", ["ur", "ur"])], "/languages/1", "repeated"),
    ([("languages", ["xx"])], "/languages/0", "literal_error"),
    ([("modalities", MISSING)], "/modalities", "missing"),
    ([("problem_areas", ["sadness"])], "/problem_areas/0", "literal_error"),
    ([("province", "Punjab")], "/province", "literal_error"),
    ([("age_band", "12")], "/age_band", "literal_error"),
    ([("city", "Atlantis")], "/city", "unknown_city"),
    ([("city", "Karachi")], "/city", "not_in_province"),
    ([("city", "x" * 500)], "/city", "too_long"),
    ([("city", "La\u0000hore")], "/city", "control_characters"),
    ([("city", "La\u202ehore")], "/city", "control_characters"),
    ([("modalities", ["in_person"]), ("city", MISSING)], "/city", "missing"),
    ([("wanted_times.0.start", "25:00")], "/wanted_times/0/start", "string_pattern_mismatch"),
    ([("wanted_times.0.start", "17:00\n")], "/wanted_times/0/start", "string_pattern_mismatch"),
    ([("wanted_times.0.day", 8)], "/wanted_times/0/day", "less_than_equal"),
    ([("wanted_times.0.end", "16:00")], "/wanted_times/0/end", "ends_before_start"),
    ([("contact", MISSING)], "/contact", "missing"),
    ([NO_ADDRESS], "/contact/address", "missing"),
    ([("contact.address", "123")], "/contact/address", "not_a_mobile_number"),
    ([("contact.address", "+447700900123")], "/contact/address", "not_a_mobile_number"),
    ([("contact.address", "0399\t1234567")], "/contact/address", "control_character"),
    ([("contact.address", "0" * 300)], "/contact/address", "too_long"),
    ([("contact.address", 3991234567)], "/contact/address", "string_type"),
    ([("contact.channel", "email")], "/contact/address", "not_an_email_address"),
    ([("contact.channel", "email"), NO_ADDRESS], "/contact/address", "missing"),
    ([("contact.channel", "inbox")], "/contact/address", "not_allowed"),
    ([("contact.channel", "fax")], "/contact/channel", "literal_error"),
    (
        [("contact.channel", "call"), ("contact.address", "a@example.org")],
        "/contact/address",
        "not_a_mobile_number",
    ),
    ([("contact.channel", "call"), NO_ADDRESS], "/contact/address", "missing"),
    ([("contact.then", ["call", "call"])], "/contact/then/1", "repeated"),
    ([("contact.then", "inbox")], "/contact/then", "tuple_type"),
    ([("contact.then", ["fax"])], "/contact/then/0", "literal_error"),
    ([("contact.then", ["whatsapp", "whatsapp"])], "/contact/then/1", "repeated"),
    ([("contact.then", ["whatsapp", "email"])], "/contact/then/1", "other_address"),
    ([("contact.then", ["inbox"] * 4)], "/contact/then", "too_many"),
    ([("contact.script", "Arab")], "/contact/script", "not_offered"),
    ([("contact.safe_windows.0.end", "08:00")], "/contact/safe_windows/0/end", "ends_before_start"),
    ([("consent.care", False)], "/consent/care", "consent_needed"),
    ([("consent.care", "true")], "/consent/care", "bool_type"),
    ([("consent.contact", False)], "/consent/contact", "consent_needed"),
    ([("consent.text_version", "1999-01")], "/consent/text_version", "unknown_text"),
    ([("answers.phq9", [0] * 8)], "/answers/phq9", "wrong_length"),
    ([("answers.phq9", [0] * 10)], "/answers/phq9", "wrong_length"),
    ([("answers.phq9.2", 4)], "/answers/phq9/2", "out_of_range"),
    ([("answers.phq9.2", -1)], "/answers/phq9/2", "out_of_range"),
    ([("answers.phq9.8", "3")], "/answers/phq9/8", "int_type"),
    ([("answers.phq9.8", "۲")], "/answers/phq9/8", "int_type"),
    ([("answers.phq9.8", True)], "/answers/phq9/8", "int_type"),
    ([("answers.phq9.8", 2.0)], "/answers/phq9/8", "int_type"),
]


@pytest.mark.parametrize(("changes", "pointer", "code"), FIELDS)
async def test_a_wrong_field_is_named(
    people: httpx2.AsyncClient, store: IntakeDatabase, changes: list[Change], pointer: str, code: str
) -> None:
    problem = await refused(people, store, json=changed(*changes))
    assert (problem["status"], problem["code"]) == (422, "invalid_request")
    assert (pointer, code) in [(one["pointer"], one["code"]) for one in problem["errors"]]


async def test_everything_that_is_wrong_is_told_at_once_and_no_value_is_repeated(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    wrong = changed(("city", "Atlantis"), ("contact.address", "0300SECRET"), ("answers.phq9.0", 7))
    problem = await refused(people, store, json=wrong)
    pointers = {one["pointer"] for one in problem["errors"]}
    assert pointers == {"/city", "/contact/address", "/answers/phq9/0"}
    assert "Atlantis" not in str(problem)
    assert "SECRET" not in str(problem)


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b'{"kind":', b"\xff\xfe", b'{"kind":"a" "b":1}'])
async def test_broken_json_is_told_as_such(
    people: httpx2.AsyncClient, store: IntakeDatabase, body: bytes
) -> None:
    problem = await refused(people, store, content=body)
    assert (problem["status"], problem["code"]) == (400, "broken_json")


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"text"'])
async def test_json_that_is_no_object_is_refused(
    people: httpx2.AsyncClient, store: IntakeDatabase, body: bytes
) -> None:
    assert (await refused(people, store, content=body))["status"] == 422


async def test_ten_megabytes_are_not_read(people: httpx2.AsyncClient, store: IntakeDatabase) -> None:
    big = orjson.dumps(changed(("city", "x" * 10_000_000)))
    problem = await refused(people, store, content=big)
    assert (problem["status"], problem["code"]) == (413, "too_large")


async def test_ten_megabytes_in_pieces_are_not_read_either(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    async def pieces() -> Any:
        for _ in range(10):
            yield b" " * 1_000_000

    assert (await refused(people, store, content=pieces()))["status"] == 413


async def test_another_content_type_is_refused(people: httpx2.AsyncClient, store: IntakeDatabase) -> None:
    problem = await refused(people, store, content=b"kind=individual", headers={"Content-Type": "text/plain"})
    assert problem["status"] == 415


@pytest.mark.parametrize("key", ["", "short", "x" * 129, "with space in it"])
async def test_without_a_usable_idempotency_key_nothing_is_taken(
    people: httpx2.AsyncClient, store: IntakeDatabase, key: str
) -> None:
    problem = await refused(people, store, json=EXAMPLE, headers={"Idempotency-Key": key})
    assert (problem["status"], problem["code"]) == (400, "idempotency_key_needed")
    assert problem["errors"][0]["pointer"] == "Idempotency-Key"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("PUT", "/v1/cases", 405), ("GET", "/v1/sessions/x", 404), ("GET", "/v1/cases/a/b/c", 404)],
)
async def test_wrong_paths_and_methods_show_whom_to_call(
    people: httpx2.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await people.request(method, path)
    assert answer.status_code == status
    assert answer.json()["crisis"]["lines"]


@pytest.mark.parametrize(
    "address", ["۰۳۹۹ ۱۲۳۴۵۶۷", "+92 399 123 4567", "0092-399-1234567", "0399\u200e1234567"]
)
async def test_a_number_is_taken_as_people_write_it(people: httpx2.AsyncClient, address: str) -> None:
    answer = await people.post(
        "/v1/cases", json=changed(("contact.address", address)), headers={"Idempotency-Key": str(uuid4())}
    )
    assert answer.status_code == 202


async def test_an_answer_not_given_is_not_zero_and_not_refused(people: httpx2.AsyncClient) -> None:
    answer = await people.post(
        "/v1/cases", json=changed(("answers.phq9.8", None)), headers={"Idempotency-Key": str(uuid4())}
    )
    assert answer.status_code == 202
    assert "crisis" not in answer.json()


NUL = "7K3M9Q2\0TX"


async def test_a_code_that_no_column_takes_is_simply_wrong(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    answer = await people.post("/v1/sessions", json={"case_code": NUL, "pin": "123456"})
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_code_or_pin")
    answer = await people.post("/v1/invitations/7K3M9Q2%00TX/decline", json={"pin": "123456"})
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_code_or_pin")
    headers = {"Idempotency-Key": str(uuid4())}
    body = changed(("continues", {"case_code": NUL, "pin": "1"}))
    answer = await people.post("/v1/cases", json=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/continues")
