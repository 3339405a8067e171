"""Cursors: what was packed is read again, and whatever somebody else makes of one is told, never an error of ours."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web import Problem, moment, pack_cursor, read_cursor, whole

Place = tuple[datetime, int, UUID]


def place(at: Any, number: Any, name: Any) -> Place:
    return moment(at), whole(number), UUID(name)


FIRST, LAST = datetime(1, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001  # naive bounds
moments = st.datetimes(FIRST, LAST, timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))]))


@given(moments, st.integers(-(2**31) + 1, 2**31 - 1), st.uuids())
def test_a_cursor_is_read_as_the_place_that_was_packed(at: datetime, number: int, name: UUID) -> None:
    assert read_cursor(pack_cursor(at, number, name), place) == (at, number, name)


def test_no_cursor_is_the_beginning() -> None:
    assert read_cursor(None, place) is None


def packed(parts: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode()


NAME = "00000000-0000-7000-8000-000000000000"
AT = "2027-01-05T08:00:00+05:00"


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "nonsense!",
        "é",
        "a b",
        "\x00",
        packed({}),
        packed(1),
        packed([]),
        packed([AT, 1]),
        packed([AT, 1, NAME, 1]),
        packed([AT, True, NAME]),
        packed([AT, 2**31, NAME]),
        packed([AT, 1.5, NAME]),
        packed([AT, "1", NAME]),
        packed(["2027-01-05T08:00:00", 1, NAME]),
        packed(["0001-01-01T00:00:00+14:00", 1, NAME]),
        packed(["9999-12-31T23:59:59-14:00", 1, NAME]),
        packed([1, 1, NAME]),
        packed([AT, 1, "nobody"]),
        packed([AT, 1, None]),
    ],
)
def test_whatever_was_not_packed_here_is_refused_by_its_name(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        read_cursor(cursor, place)
    assert (refused.value.status, refused.value.code) == (422, "invalid_request")
    assert [field.pointer for field in refused.value.fields] == ["cursor"]


@given(st.text(max_size=80))
def test_no_text_at_all_is_more_than_refused(cursor: str) -> None:
    try:
        read_cursor(cursor, place)
    except Problem as problem:
        assert problem.status == 422  # noqa: PT017
