"""The loop `backfill`: an hour that was given back is for whoever waits for just such a one, in the order of the list.

The list is looked at a moment later: that the therapist has room again comes on another topic. Unlike a look for more
room this one does not let those rest who had no hour before: here is one, and at most one of them is asked to take it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.matching.domain.backfill import Freed, is_within_reach, may_be_asked_for, suits, taken_by
from services.matching.domain.decisions import Found
from services.matching.domain.directory import Directory
from services.matching.domain.policy import Policy
from services.matching.domain.requests import tried
from services.matching.domain.vocabulary import lane_of
from services.matching.handlers.matchmaking import Ended, Matchmaker
from services.matching.handlers.searches import Search, request_of, resumed
from services.matching.repository import cases, waitlist
from services.matching.repository.waitlist import Filter
from shared.contracts.matching import ON_ITS_WAY
from shared.contracts.scheduling import SlotFreed
from shared.contracts.told import WAIT_REASONS
from shared.messaging import Due, Transaction

AFTER = timedelta(seconds=2)
# Whom an hour helps: nobody else lacked one.
HELPED = ("no_hour", "no_capacity", "no_other")
# So many of the list are looked at, from its head on.
LOOKED_AT = 200

Those = Mapping[UUID, Sequence[Freed]]  # which of the hours are for whom, by case


async def note_freed_hours(events: Sequence[SlotFreed], tx: Transaction) -> None:
    """An hour is offered to the list in a moment, once."""
    await tx.schedule(
        [
            Due("backfill", f"{one.therapist_id} {one.start.isoformat()}", tx.now + AFTER, _body(one))
            for one in events
        ]
    )


class Backfill:
    """Gives hours that came free to people on the waiting list."""

    def __init__(self, matchmaker: Matchmaker) -> None:
        self._matchmaker = matchmaker

    async def serve_waiting(self, dues: Sequence[Due], tx: Transaction) -> None:
        """For each hour the first on the list who wishes such a one, gets there, and may be seen by its therapist."""
        matchmaker, policy = self._matchmaker, self._matchmaker.policy
        hours = [one for one in map(_freed, dues) if may_be_asked_for(one, tx.now, policy)]
        if not hours:
            return
        only = Filter(but=tuple(one for one in WAIT_REASONS if one not in HELPED))
        waiting = await waitlist.page(tx, policy.waiting.ageing, LOOKED_AT, None, only)
        waitlist.belongs_to_their_traces(tx, waiting)
        known = await cases.lock_cases(tx, [one.case_id for one in waiting]) if waiting else {}
        still = [case for case in known.values() if case.state == "waitlisted"]
        if not still:
            return
        directory, capacity = await matchmaker.roster.look(tx)
        searches = await resumed(tx, still)
        those = {one.case.case_id: _those_for(one, hours, directory, policy, tx.now) for one in searches}
        suited = [
            _but_for_the_others(one, hours, mine) for one in searches if (mine := those[one.case.case_id])
        ]
        free = capacity.only_with(directory, [(hour.therapist_id, hour.lane) for hour in hours])
        await matchmaker.search_among(tx, suited, directory, free, lambda ended: _served(ended, hours, those))


def _served(ended: Sequence[Ended], hours: Sequence[Freed], those: Those) -> list[Ended]:
    """As many as there are hours, in the order of the list; the others keep their places."""
    left, served = list(hours), []
    for one in ended:
        if not isinstance(one.outcome, Found):
            continue
        first, lane = one.outcome.offers[0].therapist_id, lane_of(one.outcome.modality)
        hour = taken_by(left, first, lane, those[one.case.case_id])
        if hour:
            left.remove(hour)
            served.append(one)
    return served


def _those_for(
    search: Search, hours: Sequence[Freed], directory: Directory, policy: Policy, now: datetime
) -> list[Freed]:
    asked, request = search.submitted, request_of(search)
    # What is kept for whoever chooses begins when it is kept no more.
    soonest = now + policy.waiting.time_kept(search.priority) + ON_ITS_WAY if search.chooses else now
    wanted = [(one.day, one.start, one.end) for one in asked.wanted_times]
    return [
        hour
        for hour in hours
        if soonest <= hour.start
        and suits(hour, asked.modalities, wanted, asked.time_zone)
        and is_within_reach(hour, request, directory, policy)
    ]


def _but_for_the_others(search: Search, hours: Sequence[Freed], those: Sequence[Freed]) -> Search:
    """Who has given back only hours that are not for them is as one who was asked: nobody takes the place of whoever
    the hour is for."""
    theirs = {(hour.lane, hour.therapist_id) for hour in those}
    others = {(hour.lane, hour.therapist_id) for hour in hours} - theirs
    asked = [*search.tried.items(), *((lane, (therapist,)) for lane, therapist in others)]
    return replace(search, tried=tried(asked))


def _body(event: SlotFreed) -> dict[str, Any]:
    return {
        "therapist_id": str(event.therapist_id),
        "lane": event.lane,
        "site_id": str(event.site_id) if event.site_id else None,
        "start": event.start.isoformat(),
        "end": event.end.isoformat(),
    }


def _freed(due: Due) -> Freed:
    said = due.body
    start, end = datetime.fromisoformat(said["start"]), datetime.fromisoformat(said["end"])
    site = said.get("site_id")  # rows of before it was kept are without
    return Freed(UUID(said["therapist_id"]), said["lane"], start, end, UUID(site) if site else None)
