"""The waiting list is served before its dates: when there may be more room, after a rest, and when a coordinator asks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from services.matching.domain.cases import Case
from services.matching.handlers.matchmaking import Matchmaker, rest_of
from services.matching.handlers.searches import resumed
from services.matching.repository import cases, waitlist
from services.matching.repository.changes import BEGINNING
from services.matching.repository.waitlist import Filter, Place, Waits
from shared.messaging import Due, Transaction

# Somebody who let an offer pass is offered again on the promised day, not with every change of a calendar.
NOT_WOKEN = ("offer_expired",)


class WaitingRoom:
    """Serves the list in its order: need, raised by the wait, then age."""

    def __init__(self, matchmaker: Matchmaker) -> None:
        self._matchmaker = matchmaker
        self._waiting = matchmaker.policy.waiting

    async def wake_waiting(self, dues: Sequence[Due], tx: Transaction) -> None:
        """One row that comes again and again: a look costs next to nothing while there is no more room than before.

        When there may be, the most urgent are searched, and those after them in the looks that follow, so that a
        list whose head fits nobody does not hide who stands behind it. Whoever still finds nobody keeps place, date
        and attempt, and is told nothing.
        """
        for due in dues:
            after = _place(due.body.get("after"))
            seen, risen = await waitlist.capacity_risen(tx, due.body.get("seen", BEGINNING))
            risen = risen or (after is None and bool(due.body.get("again")))
            first = await self._page(tx, None) if risen else []
            then = await self._page(tx, after) if after else []
            await self._search(tx, {one.case_id: one for one in [*first, *then]})
            begun = after is not None
            goes_on = (
                self._next(then, after.as_of if after else tx.now) if begun else self._next(first, tx.now)
            )
            body = {
                "seen": seen,
                "after": _written(goes_on),
                "again": begun and (risen or bool(due.body.get("again"))),
            }
            await tx.schedule([Due(due.kind, due.key, tx.now + self._waiting.wake_every, body)])

    async def wake_rested(self, dues: Sequence[Due], tx: Transaction) -> None:
        """Whoever had no hour was left alone since; if there was more room meanwhile, it is looked for now."""
        risen = await waitlist.risen_since(tx, [due.body["seen"] for due in dues])
        rested = {due.key for due in dues if due.body["seen"] in risen}
        ids = {UUID(key.partition(" ")[0]) for key in rested}
        known = await cases.lock_cases(tx, list(ids)) if ids else {}
        # Who had no hour once more since then rests anew.
        still = [case for case in known.values() if case.reason == "no_hour" and rest_of(case) in rested]
        await self._wake(tx, still)

    async def review_now(self, case_id: UUID, tx: Transaction) -> tuple[bool, Case] | None:
        """Whether the case waited, and how it stands after the search that this is then; None if unknown."""
        case = (await cases.lock_cases(tx, [case_id])).get(case_id)
        if case is None:
            return None
        if case.state != "waitlisted":
            return False, case
        [after] = await self._matchmaker.search(tx, await resumed(tx, [case]))
        return True, after

    async def page(
        self, limit: int, after: Place | None, only: Filter, tx: Transaction
    ) -> tuple[datetime, list[Waits]]:
        """A page of the list for those who coordinate, and the time that its order is as of."""
        as_of = after.as_of if after else tx.now
        return as_of, await waitlist.page(tx, self._waiting.ageing, limit, after, only)

    async def _page(self, tx: Transaction, after: Place | None) -> list[Waits]:
        limit, rested = self._waiting.woken_at_once, tx.now - self._waiting.rest
        return await waitlist.page(
            tx, self._waiting.ageing, limit, after, Filter(but=NOT_WOKEN, rested=rested)
        )

    async def _search(self, tx: Transaction, waiting: Mapping[UUID, Waits]) -> None:
        waitlist.belongs_to_their_traces(tx, waiting.values())
        known = await cases.lock_cases(tx, list(waiting)) if waiting else {}
        await self._wake(tx, list(known.values()))

    async def _wake(self, tx: Transaction, known: Sequence[Case]) -> None:
        still = [case for case in known if case.state == "waitlisted"]
        await self._matchmaker.search(tx, await resumed(tx, still), only_found=True)

    def _next(self, looked_at: Sequence[Waits], as_of: datetime) -> Place | None:
        full = len(looked_at) == self._waiting.woken_at_once
        return looked_at[-1].place(as_of) if full else None


def _written(place: Place | None) -> dict[str, Any] | None:
    return {name: _text(value) for name, value in asdict(place).items()} if place else None


def _text(value: Any) -> Any:
    return value if isinstance(value, int) else str(value)


def _place(written: Mapping[str, Any] | None) -> Place | None:
    if written is None:
        return None
    return Place(
        datetime.fromisoformat(written["as_of"]),
        written["effective"],
        datetime.fromisoformat(written["submitted_at"]),
        UUID(written["case_id"]),
    )
