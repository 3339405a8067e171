"""The rota: who is on, and that nobody is told that somebody sits there when that is not so, or not known."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.alarms import Staff
from services.intake.domain.rota import LEVELS, Shift, Staffing
from services.intake.domain.vocabulary import Level
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_help import PHONE, call

Token = Callable[..., dict[str, str]]
NOW = datetime(2027, 1, 5, 8, 0, tzinfo=UTC)
AT = "/v1/duty-rota"


def a_shift(begins: int, ends: int, *levels: Level) -> Shift:
    """From and until these hours after NOW."""
    hour = timedelta(hours=1)
    return Shift(uuid4(), Staff("s-1", "Asma"), NOW + begins * hour, NOW + ends * hour, levels)


def test_without_a_rota_nobody_says_who_is_there() -> None:
    empty = Staffing(NOW, entered=False)
    assert (empty.staffed(), empty.unstaffed_levels, empty.next_staffed_at("R3")) == (None, (), None)


def test_somebody_is_there_for_the_levels_of_those_who_are_on() -> None:
    rota = Staffing(NOW, True, (a_shift(-1, 1, "R1", "R2"), a_shift(2, 3, "R3"), a_shift(4, 9, "R3")))
    assert rota.staffed() is False
    assert (rota.staffed(("R1",)), rota.staffed(("R3",))) == (True, False)
    assert rota.unstaffed_levels == ("R3",)
    assert rota.next_staffed_at("R3") == NOW + timedelta(hours=2)
    assert rota.next_staffed_at("R1") is None


def test_a_shift_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    assert Staffing(NOW, True, (a_shift(0, 1, *LEVELS),)).staffed() is True
    assert Staffing(NOW, True, (a_shift(-1, 0, *LEVELS),)).staffed() is False


@given(
    st.lists(
        st.tuples(st.integers(-9, 9), st.integers(1, 9), st.lists(st.sampled_from(LEVELS), min_size=1)),
        max_size=6,
    )
)
def test_all_levels_are_staffed_when_none_is_not(said: list[tuple[int, int, list[Level]]]) -> None:
    rota = Staffing(NOW, True, tuple(a_shift(begins, begins + hours, *on) for begins, hours, on in said))
    assert rota.staffed() is (rota.unstaffed_levels == ())
    for level in LEVELS:
        assert rota.staffed((level,)) is (level not in rota.unstaffed_levels)
        if at := rota.next_staffed_at(level):
            assert at > NOW


@pytest_asyncio.fixture(loop_scope="session")
async def lead(store: IntakeDatabase, token: Token) -> AsyncIterator[dict[str, str]]:
    """Whoever enters shifts; none is left afterwards, for other tests know of no rota."""
    yield token("coordinator", subject="c-nadia", name="Nadia")
    await store.admin.execute("DELETE FROM intake.duty_shifts")


@pytest.fixture
def asma(token: Token) -> dict[str, str]:
    return token("duty_clinician", subject="s-asma", name="Asma")


def sent(begins: float = -1, ends: float = 1, **changes: Any) -> dict[str, Any]:
    """A shift from and until so many hours from now."""
    now = datetime.now(UTC)
    said = {
        "staff_id": "s-asma",
        "name": "Asma",
        "from": (now + timedelta(hours=begins)).isoformat(),
        "to": (now + timedelta(hours=ends)).isoformat(),
        "levels": ["R1", "R2", "R3"],
    }
    return said | changes


async def enter(
    duty: httpx2.AsyncClient, lead: dict[str, str], body: dict[str, Any], key: str | None = None
) -> httpx2.Response:
    return await duty.post(AT, json=body, headers=lead | {"Idempotency-Key": key or str(uuid4())})


async def test_alarms_and_calls_for_help_tell_whether_somebody_is_on(
    duty: httpx2.AsyncClient, lead: dict[str, str], asma: dict[str, str]
) -> None:
    async def told() -> tuple[Any, Any, Any]:
        desk = (await duty.get("/v1/alarms", headers=asma)).json()
        me = (await call(duty, {"contact": PHONE})).json()["crisis"]["call_me"]
        return desk["staffed_now"], me["staffed_now"], me["within_minutes"]

    assert await told() == (None, None, 30)
    later = (await enter(duty, lead, sent(2, 3))).json()["shift_id"]
    assert await told() == (False, False, None)  # no minutes are promised in nobody's name
    me = (await call(duty, {"contact": PHONE})).json()["crisis"]["call_me"]
    assert datetime.fromisoformat(me["next_staffed_at"]) > datetime.now(UTC) + timedelta(hours=1)
    await enter(duty, lead, sent(levels=["R3"]))
    assert await told() == (False, True, 30)
    await enter(duty, lead, sent(levels=["R1", "R2"], staff_id="s-bilal", name="Bilal"))
    assert await told() == (True, True, 30)
    assert (await duty.delete(f"{AT}/{later}", headers=lead)).status_code == 204
    desk = (await duty.get("/v1/alarms", headers=asma)).json()
    assert [(one["name"], one["levels"]) for one in desk["on_duty"]] == [
        ("Asma", ["R3"]), ("Bilal", ["R1", "R2"]),
    ]  # fmt: skip


async def test_a_shift_that_is_taken_back_counts_no_more_and_stays_with_both_names(
    duty: httpx2.AsyncClient, store: IntakeDatabase, lead: dict[str, str], token: Token
) -> None:
    shift = (await enter(duty, lead, sent())).json()["shift_id"]
    other = token("coordinator", subject="c-omar", name="Omar")
    for who in (other, lead):  # twice is once
        assert (await duty.delete(f"{AT}/{shift}", headers=who)).status_code == 204
    row = await store.admin.fetchrow("SELECT * FROM intake.duty_shifts WHERE shift_id::text = $1", shift)
    assert (row["entered_name"], row["cancelled_name"]) == ("Nadia", "Omar")
    listed = (await duty.get(AT, headers=lead)).json()
    assert (listed["shifts"], listed["staffed_now"]) == ([], False)
    assert (await duty.delete(f"{AT}/{uuid4()}", headers=lead)).status_code == 404


async def test_the_rota_is_read_page_by_page_in_order(
    duty: httpx2.AsyncClient, lead: dict[str, str], asma: dict[str, str]
) -> None:
    for hours in (5, 1, 3, 2, 4):
        assert (await enter(duty, lead, sent(hours, hours + 1, name=f"Asma {hours}"))).status_code == 201
    await enter(duty, lead, sent(15 * 24, 15 * 24 + 1))  # beyond two weeks
    seen, cursor = [], None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await duty.get(AT, params=params, headers=asma)).json()
        seen += [one["name"] for one in page["shifts"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == [f"Asma {hours}" for hours in (1, 2, 3, 4, 5)]


async def test_a_shift_sent_twice_or_at_once_is_one_shift(
    duty: httpx2.AsyncClient, store: IntakeDatabase, lead: dict[str, str], token: Token
) -> None:
    key, body = str(uuid4()), sent()
    first = await enter(duty, lead, body, key)
    again = await enter(duty, lead, body, key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert (await enter(duty, lead, sent(name="Bilal"), key)).json()["code"] == "idempotency_key_reused"
    omar = token("coordinator", subject="c-omar", name="Omar")
    assert (await enter(duty, omar, body, key)).json()["code"] == "idempotency_key_reused"
    other, body = str(uuid4()), sent()
    answers = await asyncio.gather(*(enter(duty, lead, body, other) for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert await store.admin.fetchval("SELECT count(*) FROM intake.duty_shifts") == 2


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"to": "2027-01-05T08:00:00"}, "/to"),
        ({"from": "tomorrow"}, "/from"),
        ({"from": 5}, "/from"),
        ({"from": "9999-12-31T23:59:59-05:00", "to": "9999-12-31T23:59:59-06:00"}, "/from"),
        ({"from": "2035-01-05T08:00:00Z", "to": "2035-01-05T08:00:00Z"}, "/to"),
        ({"from": "2035-01-05T08:00:00Z", "to": "2035-01-13T08:00:00Z"}, "/to"),
        ({"from": "2020-01-05T08:00:00Z", "to": "2020-01-05T09:00:00Z"}, "/to"),
        ({"levels": []}, "/levels"),
        ({"levels": ["R4"]}, "/levels/0"),
        ({"levels": ["R1", "R1"]}, "/levels"),
        ({"levels": "R1"}, "/levels"),
        ({"name": ""}, "/name"),
        ({"name": "   "}, "/name"),
        ({"name": "As\x00ma"}, "/name"),
        ({"staff_id": "x" * 121}, "/staff_id"),
        ({"note": "swapped with Bilal"}, "/note"),
    ],
)
async def test_what_cannot_be_a_shift_is_named_by_its_field(
    duty: httpx2.AsyncClient,
    store: IntakeDatabase,
    lead: dict[str, str],
    change: dict[str, Any],
    pointer: str,
) -> None:
    before = await store.rows()
    answer = await enter(duty, lead, sent() | change)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert "swapped" not in answer.text
    assert await store.rows() == before


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("from=2027-01-05T08:00:00", "from"),
        ("from=9999-12-31T00:00:00Z", "from"),
        ("from=2027-01-05T08:00:00Z&to=2027-01-05T08:00:00Z", "to"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
    ],
)
async def test_what_cannot_be_a_page_is_named_by_its_field(
    duty: httpx2.AsyncClient, lead: dict[str, str], query: str, pointer: str
) -> None:
    answer = await duty.get(f"{AT}?{query}", headers=lead)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"].strip("/").split("/")[-1]) == (
        422, pointer,
    )  # fmt: skip


async def test_who_takes_alarms_looks_at_the_rota_and_does_not_change_it(
    duty: httpx2.AsyncClient, asma: dict[str, str]
) -> None:
    assert (await duty.get(AT, headers=asma)).status_code == 200
    assert (await enter(duty, asma, sent())).status_code == 403


async def test_a_shift_without_a_key_is_not_entered(duty: httpx2.AsyncClient, lead: dict[str, str]) -> None:
    answer = await duty.post(AT, json=sent(), headers=lead)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_needed")
