"""The country's care is put in as it is, on a stack that has it already, in part, or has that of another day."""

from uuid import UUID

import pytest

from simulation.population import Care
from simulation.seeding import NotSeeded, seed_care
from tests.simulation.answering import server
from tests.simulation.test_changing import answered, lines

SITE = UUID(int=7)
CARE = Care(sites={SITE: {"city": "Lahore"}}, rooms={}, therapists=())
PATH = f"/v1/sites/{SITE}"
UNSEEN = answered({"code": "version_missing"}, 428)


async def seeded(replies: list[bytes]) -> list[bytes]:
    async with server(lambda n: replies[n - 1]) as (address, seen):
        where = f"http://{address.name}"
        await seed_care({"matching": where, "scheduling": where}, CARE, "t", lambda _: None)
    return seen


async def test_what_is_there_and_says_something_else_is_brought_up_to_date_as_it_was_seen() -> None:
    seen = await seeded([UNSEEN, answered({"city": "Karachi"}, etag='"4"'), answered({})])
    assert lines(seen) == [f"PUT {PATH}", f"GET {PATH}", f"PUT {PATH}"]
    assert b'if-match: "4"' in seen[2]
    assert seen[2].endswith(b'{"city":"Lahore"}')


async def test_what_is_there_already_is_put_once_and_asked_for_never() -> None:
    assert lines(await seeded([answered({})])) == [f"PUT {PATH}"]


async def test_what_is_refused_all_the_same_ends_the_seeding_with_its_reason() -> None:
    stale = answered({"code": "stale_version"}, 412)
    with pytest.raises(ExceptionGroup) as failed:
        await seeded([UNSEEN, answered({}, etag='"4"'), stale])
    assert failed.group_contains(NotSeeded, match="412.*stale_version")
