"""The therapists in memory: as fresh as the transaction that asks, and never what was rolled back."""

import asyncio
from uuid import UUID

import pytest

from services.matching.domain.cases import LoadChange
from services.matching.handlers.sites import know_sites
from services.matching.repository.therapists import find_therapist, move_loads
from shared.messaging import Transaction
from tests.matching.conftest import FOLDER, Office
from tests.matching.events import a_case, a_site
from tests.matching.examples import LAHORE, SITES, therapist

ONE = UUID(int=1)


async def open_cases(office: Office, tx: Transaction, number: int = 1) -> int:
    directory, capacity = await office.roster.look(tx)
    return int(capacity.open_load[directory.number_of[UUID(int=number)]])


async def reachable(office: Office, tx: Transaction) -> int:
    directory, _ = await office.roster.look(tx)
    return directory.reach.near("Lahore", 25).bit_count()


async def test_a_commit_is_seen_by_the_very_next_batch(office: Office) -> None:
    await office.describe(1, status="suspended")
    await office.hear(office.matchmaker.match_cases, a_case())
    assert await office.made() == []
    await office.describe(1, status="active")
    await office.hear(office.matchmaker.match_cases, a_case())
    assert len(await office.made()) == 1
    await office.describe(2)
    await office.describe(1, status="left")
    await office.hear(office.matchmaker.match_cases, a_case())
    assert (await office.made())[-1]["candidates"][0]["therapist_id"] == str(UUID(int=2))


async def test_what_was_rolled_back_is_forgotten(office: Office) -> None:
    await office.describe(1, modalities=("in_person",), sites=(LAHORE,))
    with pytest.raises(ZeroDivisionError):
        async with office.database.transaction() as tx:
            await know_sites([a_site(SITES[LAHORE])], tx)
            await move_loads(tx, {ONE: LoadChange(5)})
            assert await reachable(office, tx) == 1  # this transaction sees what it wrote
            assert await open_cases(office, tx) == 5
            raise ZeroDivisionError
    async with office.database.transaction() as tx:
        assert await reachable(office, tx) == 0
        assert await open_cases(office, tx) == 0


async def test_a_change_hidden_by_ones_own_that_was_rolled_back_is_not_missed(office: Office) -> None:
    await office.describe(1)
    async with office.database.transaction() as tx:
        assert await open_cases(office, tx) == 0
    async with office.database.transaction() as tx:
        await move_loads(tx, {ONE: LoadChange(3)})  # somebody else's, committed, not looked at yet
    with pytest.raises(ZeroDivisionError):
        async with office.database.transaction() as tx:
            await move_loads(tx, {ONE: LoadChange(4)})
            assert await open_cases(office, tx) == 7
            raise ZeroDivisionError
    async with office.database.transaction() as tx:
        assert await open_cases(office, tx) == 3


async def test_a_transaction_that_commits_late_is_not_missed(office: Office) -> None:
    await office.describe(1)
    await office.describe(2)
    written, seen = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        async with office.database.transaction() as tx:
            await move_loads(tx, {ONE: LoadChange(3)})
            written.set()
            await seen.wait()

    slow = asyncio.create_task(slowly())
    await written.wait()
    async with office.database.transaction() as tx:
        await move_loads(tx, {UUID(int=2): LoadChange(1)})
    for _ in range(3):
        async with office.database.transaction() as tx:
            assert [await open_cases(office, tx, number) for number in (1, 2)] == [0, 1]
    seen.set()
    await slow
    async with office.database.transaction() as tx:
        assert [await open_cases(office, tx, number) for number in (1, 2)] == [3, 1]


async def test_what_is_told_a_second_time_makes_nothing_anew(office: Office) -> None:
    """While an older transaction goes on, whatever was written since is told at every look."""
    await office.describe(1)
    async with office.database.transaction() as older:
        await move_loads(older, {ONE: LoadChange(1)})
        await office.describe(2)
        looks = []
        for _ in range(3):
            async with office.database.transaction() as tx:
                looks.append((await office.roster.look(tx))[0].practice)
        assert looks[0] is looks[1] is looks[2]
        await office.describe(2, status="left")
        async with office.database.transaction() as tx:
            assert (await office.roster.look(tx))[0].practice is not looks[0]


async def test_many_batches_at_a_time_keep_loads_and_cases_in_step(office: Office) -> None:
    for number in range(1, 6):
        await office.describe(number)
    batches = [[a_case() for _ in range(7)] for _ in range(6)]
    await asyncio.gather(*(office.hear(office.matchmaker.match_cases, *batch) for batch in batches))
    assert sum((await office.loads()).values()) == 42
    async with office.database.transaction() as tx:
        directory, capacity = await office.roster.look(tx)
    assert capacity.open_load.sum() == 42
    assert directory.ids == tuple(therapist(number).id for number in range(1, 6))


async def test_a_therapist_of_the_release_before_is_taken_as_they_were_described(office: Office) -> None:
    """The columns of before are filled by the migration as by this release's short form."""
    migration = (FOLDER / "0003_widen_profiles.sql").read_text()
    fill = migration[migration.index("UPDATE therapists") :].split(";")[0]
    await office.describe(1, steps=(1, 2), languages=(("ur", "working"), ("en", "working")))
    async with office.database.transaction() as tx:
        before = await find_therapist(tx, ONE)
        await tx.connection.execute("UPDATE therapists SET fluencies = '{}', competences = '[]'")
        await tx.connection.execute(fill)
        assert await find_therapist(tx, ONE) == before
    await office.hear(office.matchmaker.match_cases, a_case())
    assert len(await office.made()) == 1
