"""Many requests in one file over HTTP: each line its own result, and the same file again changes nothing."""

import csv
import io
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest

from services.intake.api.requests import SMALLEST
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_asking import ask, asking

Token = Callable[..., dict[str, str]]
PATH, NDJSON, CSV = "/v1/cases/bulk", "application/x-ndjson", "text/csv"


def line(reference: object, body: dict[str, Any] = SMALLEST) -> bytes:
    return orjson.dumps({"client_reference": reference} | body) + b"\n"


def references(count: int) -> list[str]:
    own = uuid4().hex[:8]
    return [f"{own}/{number}" for number in range(count)]


async def hand_over(
    people: httpx2.AsyncClient, headers: dict[str, str], content: Any, kind: str = NDJSON
) -> list[dict[str, Any]]:
    """The results of a file that was read."""
    answer = await people.post(PATH, content=content, headers=headers | {"Content-Type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (200, NDJSON)
    assert answer.headers["cache-control"] == "no-store"
    return [orjson.loads(one) for one in answer.content.splitlines()]


async def cases(store: IntakeDatabase) -> int:
    return int(await store.admin.fetchval("SELECT count(*) FROM intake.cases"))


@pytest.fixture
def practice(token: Token) -> dict[str, str]:
    """Headers of a practice's own; nobody has sent anything under its name."""
    return token("clinic_desk", organisation=f"practice-{uuid4().hex[:8]}")


async def test_every_line_becomes_a_case_and_has_its_result_in_order(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    own, before = references(450), await cases(store)
    results = await hand_over(people, practice, b"".join(map(line, own)))
    assert [one["client_reference"] for one in results] == own
    assert [one["line"] for one in results] == list(range(1, 451))
    assert {one["outcome"] for one in results} == {"accepted"}
    assert len({one["case_code"] for one in results}) == 450
    assert await cases(store) == before + 450


async def test_a_code_and_pin_of_a_file_open_a_session_and_the_case_is_like_any_other(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    [result] = await hand_over(people, practice, line("a"))
    opened = {"case_code": result["case_code"], "pin": result["pin"]}
    session = await people.post("/v1/sessions", json=opened)
    assert session.status_code == 200
    headers = {"Authorization": f"Bearer {session.json()['token']}"}
    stands = await people.get(f"/v1/cases/{result['case_code']}", headers=headers)
    assert stands.json()["state"] == "matching"


async def test_the_same_file_again_has_the_same_codes_and_makes_nothing_new(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    file = line("a") + line("b", asking(2)) + line("c")
    first = await hand_over(people, practice, file)
    before = await store.rows()
    again = await hand_over(people, practice, file)
    assert [one | {"outcome": "already_accepted"} for one in first] == again
    assert await store.rows() == before


async def test_a_reference_is_remembered_when_idempotency_keys_are_long_forgotten(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    [first] = await hand_over(people, practice, line("a"))
    await store.admin.execute("DELETE FROM intake.idempotency_keys")
    [again] = await hand_over(people, practice, line("a"))
    assert (again["outcome"], again["case_code"]) == ("already_accepted", first["case_code"])


async def test_a_cut_off_file_sent_again_takes_up_where_it_ended(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    file, before = b"".join(map(line, references(6))), await cases(store)
    cut = await hand_over(people, practice, file[: len(file) // 2 - 20])
    assert [one["outcome"] for one in cut] == ["accepted"] * 2 + ["rejected"]
    whole = await hand_over(people, practice, file)
    assert [one["outcome"] for one in whole] == ["already_accepted"] * 2 + ["accepted"] * 4
    assert await cases(store) == before + 6


async def test_broken_lines_are_rejected_alone_and_a_corrected_file_makes_no_second_case(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    before = await cases(store)
    wrong = [line("b")[:-3] + b"\n", line("c", SMALLEST | {"city": "Atlantis"}), b"[1]\n", b"\xff\xfe\n"]
    results = await hand_over(people, practice, line("a") + b"".join(wrong) + line("d"))
    assert [one["outcome"] for one in results] == ["accepted", *["rejected"] * 4, "accepted"]
    assert [one["problem"]["code"] for one in results[1:5]] == [
        "broken_json",
        "invalid_request",
        "invalid_request",
        "broken_json",
    ]
    assert results[2]["problem"]["errors"][0]["pointer"] == "/city"
    assert results[2]["client_reference"] == "c"
    assert await cases(store) == before + 2
    corrected = await hand_over(people, practice, b"".join(map(line, "abcd")))
    assert [one["outcome"] for one in corrected] == [
        "already_accepted",
        "accepted",
        "accepted",
        "already_accepted",
    ]
    assert await cases(store) == before + 4


async def test_a_line_is_told_what_the_same_request_alone_would_be_told(
    people: httpx2.AsyncClient, practice: dict[str, str]
) -> None:
    wrong = asking(7) | {"nickname": "x", "max_fee": "2000"}
    alone = (await ask(people, wrong)).json()
    alone.pop("crisis")
    [result] = await hand_over(people, practice, line("a", wrong))
    assert result["problem"] == alone


async def test_a_reference_used_for_another_request_is_told_and_shows_nothing_of_it(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    await hand_over(people, practice, line("a"))
    before = await store.rows()
    [result] = await hand_over(people, practice, line("a", asking(2)))
    assert (result["outcome"], result["problem"]["code"]) == ("rejected", "reference_reused")
    assert not {"case_code", "pin", "attention"} & set(result)
    assert await store.rows() == before


async def test_of_two_lines_with_one_reference_in_a_file_the_first_counts(
    people: httpx2.AsyncClient, practice: dict[str, str]
) -> None:
    results = await hand_over(people, practice, line("a") + line("a") + line("a", asking()))
    assert [one["outcome"] for one in results] == ["accepted", "already_accepted", "rejected"]
    assert results[0]["case_code"] == results[1]["case_code"]


async def test_other_spacing_order_and_form_are_the_same_request(
    people: httpx2.AsyncClient, practice: dict[str, str]
) -> None:
    [first] = await hand_over(people, practice, line("a"))
    turned = dict(reversed(list(({"client_reference": "a"} | SMALLEST).items())))
    spaced = str(orjson.dumps(turned, option=orjson.OPT_INDENT_2), "utf-8").replace("\n", " ")
    table = (
        "client_reference,modalities,languages,province,contact.channel,contact.address,consent.care,"
        "consent.contact,consent.text_version\na,video,ur,PK-PB,sms,0399 1234567,yes,yes,2026-01\n"
    )
    for content, kind in ((spaced, NDJSON), (table, CSV)):
        [again] = await hand_over(people, practice, content.encode(), kind)
        assert (again["outcome"], again["case_code"]) == ("already_accepted", first["case_code"])


@pytest.mark.parametrize(
    "reference", [None, "", 7, "with space", "x" * 65, "-first", "a\u0000", "ali@example.org"]
)
async def test_a_line_without_a_usable_reference_is_named_with_everything_else_that_is_wrong(
    people: httpx2.AsyncClient, practice: dict[str, str], reference: object
) -> None:
    [result] = await hand_over(people, practice, line(reference, SMALLEST | {"nickname": "x"}))
    assert (result["outcome"], result["client_reference"]) == ("rejected", None)
    pointers = {one["pointer"] for one in result["problem"]["errors"]}
    assert pointers == {"/client_reference", "/nickname"}


async def test_references_belong_to_the_organisation_or_to_whoever_has_none(
    people: httpx2.AsyncClient, token: Token, practice: dict[str, str]
) -> None:
    name = f"practice-{uuid4().hex[:8]}"
    first = token("clinic_desk", subject="one", organisation=name)
    colleague = token("coordinator", subject="two", organisation=name)
    alone = token("coordinator", subject=f"organisation:{name}")
    outcomes = [
        (await hand_over(people, headers, line("a")))[0]["outcome"]
        for headers in (first, colleague, practice, alone)
    ]
    assert outcomes == ["accepted", "already_accepted", "accepted", "accepted"]


async def test_the_reference_of_a_sender_is_nowhere_in_the_database(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    [own] = references(1)
    await hand_over(people, practice, line(own))
    [kept] = await store.admin.fetch("SELECT * FROM intake.bulk_references ORDER BY at DESC LIMIT 1")
    assert own not in str(dict(kept))
    assert own.encode() not in kept["reference"]


async def test_an_alarm_in_a_file_goes_the_crisis_lane_and_says_whom_to_call_now(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    file = line("a", asking(2)) + line("b")
    grave, calm = await hand_over(people, practice, file)
    assert grave["attention"] == "call_now"
    assert "attention" not in calm
    case_id = await store.admin.fetchval(
        "SELECT case_id FROM intake.cases WHERE case_code = $1", grave["case_code"]
    )
    said = {one.type: one for one in await store.said(str(case_id))}
    assert said["intake.alarm_raised.v1"].lane == "crisis"
    # The case of an alarm is followed to the end, in a trace of its own.
    other = await store.admin.fetchrow(
        "SELECT traceparent FROM intake.cases WHERE case_code = $1", calm["case_code"]
    )
    followed = said["intake.alarm_raised.v1"].traceparent
    assert followed is not None
    assert followed.endswith("-01")
    assert followed[:35] != other["traceparent"][:35]


async def test_a_table_is_read_as_programs_write_it(
    people: httpx2.AsyncClient, practice: dict[str, str]
) -> None:
    own = references(3)
    names = ["Client_Reference", "modalities", "languages", "province", "city", "contact.channel"]
    names += ["contact.address", "consent.care", "consent.contact", "consent.text_version", "phq9", "max_fee"]
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    for place, reference in enumerate(own):
        answers = ";".join("0" * 8) + f";{place}"
        needs = ["video;in_person", "ur;en", "PK-PB", "Lahore", "sms", "0399 1234567"]
        writer.writerow([reference, *needs, "TRUE", "yes", "2026-01", answers, ""])
        writer.writerow([""] * len(names))
    results = await hand_over(people, practice, b"\xef\xbb\xbf" + file.getvalue().encode(), CSV)
    assert [(one["line"], one["outcome"]) for one in results] == [
        (2, "accepted"),
        (4, "accepted"),
        (6, "accepted"),
    ]
    assert ["attention" in one for one in results] == [False, True, True]


HEADER = b"client_reference,modalities,languages,province,contact.channel,consent.care,consent.contact,"
HEADER += b"consent.text_version,max_fee\n"


@pytest.mark.parametrize(
    ("row", "code", "pointer"),
    [
        (b'"a,video,ur,PK-PB,inbox,yes,no,2026-01,', "broken_csv", None),
        (b"a,video,ur", "broken_csv", None),
        (b"a,\xff,ur,PK-PB,inbox,yes,no,2026-01,", "broken_csv", None),
        (b"a,video,ur,PK-PB,inbox,maybe,no,2026-01,", "invalid_request", "/consent/care"),
        (b"a,video,ur;xx,PK-PB,inbox,yes,no,2026-01,", "invalid_request", "/languages/1"),
        (b"a,video,ur,PK-PB,inbox,yes,no,2026-01,ten", "invalid_request", "/max_fee"),
        (b",video,ur,PK-PB,inbox,yes,no,2026-01,", "invalid_request", "/client_reference"),
    ],
)
async def test_a_wrong_row_is_rejected_alone_and_by_its_field(
    people: httpx2.AsyncClient, practice: dict[str, str], row: bytes, code: str, pointer: str | None
) -> None:
    good = b"%s,video,ur,PK-PB,inbox,yes,no,2026-01,\n"
    file = HEADER + good % b"before" + row + b"\n" + good % b"after"
    before, wrong, after = await hand_over(people, practice, file, CSV)
    assert (before["outcome"], wrong["outcome"], after["outcome"]) == ("accepted", "rejected", "accepted")
    assert wrong["problem"]["code"] == code
    assert [one["pointer"] for one in wrong["problem"].get("errors", [])] == [pointer] * (pointer is not None)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (b"modalities,languages\n", [("/client_reference", "missing")]),
        (b"client_reference,nickname\n", [("/1", "unknown_column")]),
        (b"client_reference,city,city\n", [("/2", "repeated")]),
        (b"", [("/client_reference", "missing")]),
        (b"\xff\n", [("/0", "unknown_column"), ("/client_reference", "missing")]),
    ],
)
async def test_a_table_whose_header_is_not_understood_is_not_read_by_guessing(
    people: httpx2.AsyncClient,
    practice: dict[str, str],
    store: IntakeDatabase,
    header: bytes,
    told: list[tuple[str, str]],
) -> None:
    before = await store.rows()
    content = header + b"a,video,ur\n" * bool(header)
    answer = await people.post(PATH, content=content, headers=practice | {"Content-Type": CSV})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_header")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == told
    assert await store.rows() == before


async def test_a_line_that_is_too_long_or_nested_without_end_is_rejected_alone(
    people: httpx2.AsyncClient, practice: dict[str, str]
) -> None:
    deep = b'{"client_reference":"b","city":' + b"[" * 400 + b"]" * 400 + b"}\n"
    long = line("c", SMALLEST | {"city": "x" * 70_000})
    results = await hand_over(people, practice, line("a") + deep + long + line("d"))
    assert [one["outcome"] for one in results] == ["accepted", "rejected", "rejected", "accepted"]
    assert results[2]["problem"]["code"] == "too_large"


@pytest.mark.parametrize(
    ("role", "status"),
    [("coordinator", 200), ("clinic_desk", 200), ("operator", 403), ("person", 403), ("therapist", 403)],
)
async def test_who_cares_for_people_may_hand_them_over_and_nobody_else(
    people: httpx2.AsyncClient, token: Token, store: IntakeDatabase, role: str, status: int
) -> None:
    before = await cases(store)
    headers = token(role, subject=uuid4().hex) | {"Content-Type": NDJSON}
    answer = await people.post(PATH, content=line("a"), headers=headers)
    assert answer.status_code == status
    assert await cases(store) == before + (status == 200)
    nobody = await people.post(PATH, content=line("a"), headers={"Content-Type": NDJSON})
    assert (nobody.status_code, nobody.json()["code"]) == (401, "token_missing")


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
async def test_another_type_is_not_read(
    people: httpx2.AsyncClient, practice: dict[str, str], kind: str
) -> None:
    for content in (line("a"), b""):
        answer = await people.post(PATH, content=content, headers=practice | {"Content-Type": kind})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_type")
        assert "application/x-ndjson or text/csv" in answer.json()["detail"]
    single = {"Content-Type": NDJSON, "Idempotency-Key": uuid4().hex}
    assert (await people.post("/v1/cases", content=line("a"), headers=single)).status_code == 415


async def test_a_line_goes_on_from_an_earlier_case_with_its_pin_and_never_without(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    [earlier] = await hand_over(people, practice, line("earlier"))
    proved = {"case_code": earlier["case_code"], "pin": earlier["pin"]}
    wrong = proved | {"pin": "000000" if earlier["pin"] != "000000" else "000001"}
    tries = [proved, wrong, {"case_code": earlier["case_code"]}, {"case_code": "\0", "pin": "1"}]
    file = b"".join(line(f"next-{n}", SMALLEST | {"continues": one}) for n, one in enumerate(tries))
    taken, *refused = await hand_over(people, practice, file)
    assert taken["outcome"] == "accepted"
    told = [one["problem"]["errors"][0]["code"] for one in refused]
    assert told == ["wrong_code_or_pin", "proof_needed", "wrong_code_or_pin"]
    ids = dict(await store.admin.fetch("SELECT case_code, case_id FROM intake.cases"))
    [said] = [
        one.event
        for one in await store.said(str(ids[taken["case_code"]]))
        if one.type == "intake.case_submitted.v1"
    ]
    assert said["continues"] == str(ids[earlier["case_code"]])


async def test_an_empty_file_has_no_results(people: httpx2.AsyncClient, practice: dict[str, str]) -> None:
    assert await hand_over(people, practice, b"\n\n") == []


async def test_the_published_examples_are_accepted(
    people: httpx2.AsyncClient, practice: dict[str, str]
) -> None:
    described = (await people.get("/openapi.json")).json()["paths"][PATH]["post"]
    content = described["requestBody"]["content"]
    assert set(content) == {NDJSON, CSV}
    for kind, part in content.items():
        for example in part["examples"].values():
            results = await hand_over(people, practice, example["value"].encode(), kind)
            assert [one["outcome"] for one in results] == ["accepted", "accepted"]
    assert "`contact.safe_windows`" in described["description"]
    shown = described["responses"]["200"]["content"][NDJSON]["examples"]["results"]["value"]
    assert [orjson.loads(one)["outcome"] for one in shown.splitlines()]
