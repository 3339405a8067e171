"""A credential with a last day: told a month before, nobody new from the very moment it is over, and others hear it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.api.profiles import EXAMPLE
from services.matching.domain.credentials import Allowance, CredentialTable, Row, Validity
from services.matching.domain.dates import as_of, next_date, to_be_renewed
from services.matching.domain.directory import Directory
from services.matching.domain.policy import InconsistentPolicyError
from services.matching.handlers.suspensions import Order, suspend_therapist
from services.matching.settings import CREDENTIALS, read_credentials
from tests.matching.coming_due import come_due
from tests.matching.conftest import Office
from tests.matching.events import a_case
from tests.matching.examples import CITIES, NOW, POLICY, SITES, directory, therapist

VALIDITY = POLICY.credentials.validity
LAST_DAY = date(2027, 3, 1)
ENDS = datetime(2027, 3, 1, 19, tzinfo=UTC)  # midnight in Karachi
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


async def is_matched(office: Office) -> bool:
    before = len(await office.made())
    await office.hear(office.matchmaker.match_cases, a_case())
    return len(await office.made()) > before


async def told(office: Office) -> list[tuple[str, str]]:
    return [(one["register_status"], one["status"]) for one in await office.said("therapist_changed")]


async def tasks(office: Office) -> list[dict[str, Any]]:
    rows = await office.database.pool.fetch("SELECT * FROM continuity ORDER BY opened_at, due_by")
    return [dict(row) for row in rows]


@pytest.mark.parametrize("status", ["verified", "pending", "expired", "revoked", "no-register-exists"])
def test_the_table_says_what_a_status_becomes_after_its_last_day(status: Any) -> None:
    runs_out = status in ("verified", "pending")
    assert VALIDITY.at(status, LAST_DAY, ENDS - SECOND) == status
    assert VALIDITY.at(status, LAST_DAY, ENDS) == ("expired" if runs_out else status)
    assert VALIDITY.at(status, None, ENDS + 999 * DAY) == status
    assert VALIDITY.ends(status, LAST_DAY) == (ENDS if runs_out else None)


def test_what_it_lapses_to_is_data_and_counts_as_that_status_does() -> None:
    supervised = CredentialTable(
        "test",
        {
            Row("any", "any", "verified"): Allowance("Therapist", True),
            Row("any", "any", "expired"): Allowance("Therapist", True, needs_supervision=True),
        },
        Validity("UTC", DAY, {"verified": "expired"}),
    )
    team = [therapist(1, valid_until=LAST_DAY), therapist(2, valid_until=LAST_DAY, supervisor=UUID(int=9))]
    known = Directory(team, SITES, CITIES, supervised)
    over = datetime(2027, 3, 2, tzinfo=UTC)
    assert known.at(over - SECOND).practice.supervised(None) == 0b11
    assert known.at(over).practice.supervised(None) == 0b10
    assert known.at(over - SECOND).practice.supervised(None) == 0b11  # asked again, of a moment before


last_days = st.none() | st.dates(date(2027, 1, 1), date(2027, 1, 9))
moments = st.integers(-200, 400).map(lambda hours: NOW + timedelta(hours=hours))


@given(
    st.lists(st.tuples(last_days, st.sampled_from(["verified", "no-register-exists"])), max_size=5), moments
)
def test_at_every_moment_those_may_practise_whose_credential_still_counts(
    team: list[tuple[date | None, Any]], now: datetime
) -> None:
    known = [
        therapist(n, valid_until=last_day, register_status=status)
        for n, (last_day, status) in enumerate(team, 1)
    ]
    row = directory(known).at(now).practice.permitted(None)
    for number, one in enumerate(known):
        status = VALIDITY.at(one.profile.register_status, one.profile.valid_until, now)
        assert bool(row >> number & 1) == (status != "expired")
        assert as_of(one, VALIDITY, now).profile.register_status == status


@given(st.dates(date(2027, 1, 1), date(2027, 6, 1)))
def test_going_from_date_to_date_misses_neither_the_warning_nor_the_end(last_day: date) -> None:
    one, now, came = therapist(1, valid_until=last_day), NOW - 40 * DAY, []
    while (at := next_date(one, VALIDITY, now)) is not None:
        came.append(
            (bool(to_be_renewed(one, VALIDITY, at)), as_of(one, VALIDITY, at).profile.register_status)
        )
        now = at
    assert came[-1] == (False, "expired")
    assert came[:-1] == ([(True, "verified")] if len(came) == 2 else [])
    assert len(came) == 2 or to_be_renewed(one, VALIDITY, NOW - 40 * DAY)


async def test_it_is_warned_of_a_month_before_and_lapses_on_the_day(office: Office) -> None:
    await office.describe(1, valid_until=LAST_DAY)
    await come_due(office, ENDS - 30 * DAY - SECOND)
    assert (await tasks(office), await told(office)) == ([], [("verified", "active")])
    await come_due(office, ENDS - 30 * DAY)
    [warned] = await tasks(office)
    assert (warned["kind"], warned["therapist_id"], warned["case_id"]) == ("credential", UUID(int=1), None)
    assert warned["until"] == warned["due_by"] == ENDS
    assert await is_matched(office)
    await come_due(office, ENDS - SECOND)
    assert await is_matched(office)
    assert await told(office) == [("verified", "active")]

    office.now["now"] = ENDS  # nobody has told yet that the day has come
    assert not await is_matched(office)
    await come_due(office, ENDS)
    assert await told(office) == [("verified", "active"), ("expired", "active")]
    assert not await is_matched(office)
    row = await office.database.pool.fetchrow("SELECT version, register_status, valid_until FROM therapists")
    assert tuple(row) == (2, "expired", LAST_DAY)
    await come_due(office, ENDS + 400 * DAY)
    assert len(await told(office)) == 2
    assert [one["closed_at"] for one in await tasks(office)] == [None]  # a human says what came of it


async def test_who_is_renewed_before_the_day_needs_nobody_any_more(office: Office) -> None:
    await office.describe(1, valid_until=NOW.date() + 9 * DAY)
    await come_due(office)
    assert len(await tasks(office)) == 1  # less than a month is left: told at once
    await office.describe(1, valid_until=date(2029, 1, 1))
    await come_due(office)
    assert [one["outcome"] for one in await tasks(office)] == ["not_needed"]
    await come_due(office, NOW + 100 * DAY)
    assert await is_matched(office)
    assert [one[0] for one in await told(office)] == ["verified", "verified"]


async def test_suspensions_and_credentials_share_their_dates(office: Office) -> None:
    await office.describe(1, valid_until=LAST_DAY)
    async with office.database.transaction() as tx:
        order = Order(UUID(int=1), "leave", NOW + 10 * DAY, NOW + 60 * DAY)
        await suspend_therapist(order, tx, VALIDITY)
    for at in (NOW + 10 * DAY, ENDS - 30 * DAY, ENDS, NOW + 60 * DAY):
        await come_due(office, at)
    assert await told(office) == [
        ("verified", "active"),
        ("verified", "suspended"),
        ("expired", "suspended"),
        ("expired", "active"),
    ]


async def test_nobody_is_written_down_with_what_has_run_out(
    office: Office, frontend: httpx2.AsyncClient, session: Any
) -> None:
    path, staff = f"/v1/therapists/{UUID(int=1)}", session(role="coordinator")
    yesterday = {"register_status": "verified", "valid_until": "2027-01-04"}
    for sent, code in (
        (yesterday, "in_the_past"),
        ({"valid_until": "soon"}, "date_parsing"),
        ({"valid_until": "1999-12-31"}, "greater_than_equal"),
        ({"valid_until": 20270104}, "date_type"),
    ):
        refused = await frontend.put(path, json=EXAMPLE | sent, headers=staff)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/valid_until"
        assert refused.json()["errors"][0]["code"] == code
    assert (await frontend.get(path, headers=staff)).status_code == 404
    for sent in ({"valid_until": "2027-01-05"}, {"register_status": "expired"}):
        made = await frontend.put(path, json=EXAMPLE | yesterday | sent, headers=staff)
        assert made.status_code in (200, 201)
    assert made.json()["valid_until"] == "2027-01-04"
    assert made.json()["credential"]["may_practise"] is False


def test_a_status_nobody_knows_stops_the_service_at_its_start(tmp_path: Any) -> None:
    text = CREDENTIALS.read_text().replace("pending: expired}", "pending: gone}")
    (tmp_path / "credentials.yaml").write_text(text)
    with pytest.raises(InconsistentPolicyError, match="gone"):
        read_credentials(tmp_path / "credentials.yaml")
