"""A partner without Kafka: follows its feed, comes back by the snapshot when it was away too long, and says what is wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from services.partners.repository.feed import sweep
from shared.messaging import Database
from simulation.network.follower import follow
from simulation.network.ledger import FeedLedger, network_books
from tests.browser.serving import serving
from tests.partners import conftest as partners_tests
from tests.partners.appointments import NOW, a_booking, cancelled, moved, tell
from tests.partners.conftest import Entitle
from tests.waiting import running, until

NETWORK = "humqadam-network"
app, clock, entitle = partners_tests.app, partners_tests.clock, partners_tests.entitle
partners, signing = partners_tests.partners, partners_tests.signing


def a_line(position: int, ref: str = "A", version: int = 1) -> dict[str, Any]:
    return {"booking": {"booking_ref": ref, "version": version, "position": position}}


def test_the_books_are_what_the_snapshot_says_and_then_what_comes_after_it() -> None:
    ledger = FeedLedger()
    old = {"booking_ref": "A", "version": 2, "position": 3}
    for line in ({"snapshot": 4, "bookings": [old]}, a_line(5, "A", 3), a_line(6, "B")):
        ledger.enter(line)
    assert (ledger.position, ledger.problems) == (6, [])
    assert {ref: one["version"] for ref, one in ledger.bookings.items()} == {"A": 3, "B": 1}
    ledger.enter({"snapshot": 9, "bookings": [old]})
    assert (ledger.position, set(ledger.bookings), ledger.snapshots) == (9, {"A"}, 2)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([{"snapshot": 4, "bookings": []}, a_line(6)], "position 6, not 5"),
        ([{"snapshot": 0, "bookings": []}, a_line(1), a_line(1)], "position 1, not 2"),
        ([{"snapshot": 0, "bookings": []}, a_line(1), a_line(2, "A", 3)], "position 2: version 3, not 2"),
        ([{"snapshot": 4, "bookings": []}, {"snapshot": 3, "bookings": []}], "snapshot of position 3 after"),
        ([{"snapshot": 4, "bookings": [a_line(5)["booking"]]}], "snapshot of position 4 knows position 5"),
    ],
)
def test_what_cannot_be_is_noted(lines: list[dict[str, Any]], problem: str) -> None:
    ledger = FeedLedger()
    for line in lines:
        ledger.enter(line)
    assert any(problem in one for one in ledger.problems)


@asynccontextmanager
async def following(url: str, key_file: Path, folder: Path) -> AsyncIterator[FeedLedger]:
    books, stop = network_books(folder), asyncio.Event()
    async with running(stop, follow(url, key_file, books, stop)):
        yield books.ledger
    books.close()


async def standing(database: Database) -> dict[str, int]:
    rows = await database.pool.fetch("SELECT booking_ref, version FROM bookings WHERE status <> 'cancelled'")
    return {row["booking_ref"]: row["version"] for row in rows}


def believed(ledger: FeedLedger) -> dict[str, int]:
    return {ref: one["version"] for ref, one in ledger.bookings.items() if one["status"] != "cancelled"}


async def test_the_office_reconciles_from_the_snapshot_by_the_feed_and_after_a_410(
    partners: Database, app: FastAPI, entitle: Entitle, clock: Any, tmp_path: Path
) -> None:
    key_file = tmp_path / "key"
    early = [a_booking(NETWORK) for _ in range(3)]
    await tell(partners, *early)
    async with serving(app) as url:
        async with following(url, key_file, tmp_path) as ledger:
            assert ledger.position is None  # nobody has given it a key yet
            key_file.write_text((await entitle(NETWORK)).text + "\n")
            await until(lambda: ledger.position == 0, "the first snapshot")
            await tell(partners, moved(early[0]), cancelled(early[1]), a_booking(NETWORK))
            await until(lambda: ledger.position == 3, "news of the feed")
            assert believed(ledger) == await standing(partners)
        clock.now = NOW - timedelta(days=9000)  # told so long ago, by the clock that the sweep goes by
        await tell(
            partners,
            cancelled(early[2]),
            *(a_booking(NETWORK, end=NOW + timedelta(days=9000)) for _ in range(3)),
        )
        clock.now = NOW
        async with partners.pool.acquire() as connection:
            await sweep(timedelta(days=30))(connection, 5000)
        async with following(url, key_file, tmp_path) as ledger:
            assert ledger.position == 3  # where its books ended
            await until(lambda: ledger.snapshots == 2, "a second snapshot")
            await tell(partners, a_booking(NETWORK))
            await until(lambda: ledger.position == 8, "news after it")
            assert believed(ledger) == await standing(partners)
            assert ledger.problems == []


async def test_a_key_that_is_refused_is_tried_again(
    partners: Database, app: FastAPI, entitle: Entitle, tmp_path: Path
) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("hq_none")
    async with serving(app) as url, following(url, key_file, tmp_path) as ledger:
        key_file.write_text((await entitle(NETWORK)).text)
        await until(lambda: ledger.position == 0, "the first snapshot")
