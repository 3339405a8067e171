"""People who cannot come as agreed: they come back with code and PIN, and give the hour back, take another one, or meet in
the other way; or they tell their therapist that they need no more.

As a frontend would: a session, the case until it is booked, the appointment with its version, one change. Whoever moves
asks for the same time a day later and takes what is offered instead where that is not free. Whoever would rather come than
call, or call than come, keeps the time where that is possible.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from simulation.http_client import Address, Connection
from simulation.http_wire import Answer, Unanswered, prepare
from simulation.population import Change
from simulation.returning import PATIENCE, UNDECIDED, Desks, Returning, Visit, content, serve_all
from simulation.sessions import Coming, End

# Why their therapist closes the case of whoever says so: after the hour, or before it, which is given back with it.
ENDS: Mapping[Change, End] = {"finish_now": "completed", "go_elsewhere": "referred_out"}
CANNOT_COME = {"reason": "cannot_come"}
CALL_INSTEAD = {"modalities": ["video", "audio", "in_person"]}
ANSWER_SECONDS = 15.0


class Changer(NamedTuple):
    """Somebody who has asked, and what they will do about the hour they get."""

    who: Returning
    change: Change


async def change(
    desks: Desks, changers: list[Changer], coming: list[Coming], *, more: Callable[[], bool]
) -> None:
    """Serves whoever is in `changers`, and whoever is put there while there may be `more`. Whoever can come at once says
    so to the staff, in `coming`."""

    async def serve(changer: Changer, visit: Visit, scheduling: Connection) -> None:
        await _change(visit, Diary(desks.scheduling, scheduling, visit), changer, coming)

    await serve_all(desks.intake, desks.scheduling, changers, serve, more=more)


@dataclass(frozen=True, slots=True)
class Diary:
    """The hours of one person, as scheduling shows and changes them."""

    address: Address
    connection: Connection
    visit: Visit

    async def look(self, path: str) -> Answer:
        """The appointment; its ETag is the version that was seen."""
        return await self.connection.insist(prepare("GET", path, self.address.name, b"", self.visit.known()))

    async def post(self, path: str, seen: str, body: dict[str, Any]) -> Answer:
        """One change of what was seen; the same one twice changes nothing."""
        headers = self.visit.known() | {"if-match": seen}
        return await self.connection.insist(
            prepare("POST", path, self.address.name, orjson.dumps(body), headers)
        )


async def _change(visit: Visit, diary: Diary, changer: Changer, coming: list[Coming]) -> None:
    """Until it is done, or the case has come to something else than they can change, or patience is over."""
    try:
        await visit.come_back(changer.who)
        stands = await _outcome(visit, changer.who)
        if changer.change == "call_instead":
            await _call_instead(visit, changer.who, stands)
        elif stands.get("state") == "booked":
            await _change_hour(diary, stands["links"]["appointment"], changer, coming)
    except (Unanswered, KeyError, ValueError):
        return


async def _change_hour(diary: Diary, path: str, changer: Changer, coming: list[Coming]) -> None:
    appointment = await diary.look(path)
    seen, shown = appointment.header("etag"), orjson.loads(appointment.body)
    if not seen or shown.get("state") != "booked":
        return
    if changer.change in CHANGES:
        await CHANGES[changer.change](diary, shown, seen)
    else:
        coming.append(
            Coming(
                shown,
                comes=changer.change in ("come_now", "finish_now"),
                code=changer.who.code,
                ends=ENDS.get(changer.change),
            )
        )


async def _outcome(visit: Visit, who: Returning) -> dict[str, Any]:
    """How the case stands once somebody was looked for."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    stands = await visit.case(who)
    while stands.get("state") in UNDECIDED and loop.time() < until:
        stands = await visit.case(who, stands["version"])
    return stands


async def _call_instead(visit: Visit, who: Returning, stands: dict[str, Any]) -> None:
    """Whoever waits for somebody to go to would rather call than wait: they wish for it, and look what comes of it."""
    if stands.get("state") != "waitlisted":
        return
    loop = asyncio.get_running_loop()
    until = loop.time() + ANSWER_SECONDS
    await visit.wish_otherwise(who, CALL_INSTEAD)
    while stands.get("state") == "waitlisted" and loop.time() < until:
        stands = await visit.case(who, stands["version"])


async def _cancel(diary: Diary, shown: dict[str, Any], seen: str) -> None:
    await diary.post(shown["links"]["cancel"], seen, CANNOT_COME)


async def _move(diary: Diary, shown: dict[str, Any], seen: str) -> None:
    next_day = datetime.fromisoformat(shown["start"]) + timedelta(days=1)
    await _go(diary, shown, seen, {"start": next_day.isoformat()})


async def _switch(diary: Diary, shown: dict[str, Any], seen: str) -> None:
    """In person at the first hours that are open at a site of the therapist, who may have none; online at the same time
    or near it."""
    if shown["lane"] == "in_person":
        await _go(diary, shown, seen, {"start": shown["start"], "modality": "video"})
        return
    open_hours = await diary.look(
        f"/v1/slots?therapist_id={shown['therapist_id']}&modality=in_person&limit=3"
    )
    for one in content(open_hours)["therapists"][0]["slots"]:
        there = {"start": one["start"], "modality": "in_person", "site_id": one["site_id"]}
        if (await diary.post(shown["links"]["reschedule"], seen, there)).status == 200:
            return


async def _go(diary: Diary, shown: dict[str, Any], seen: str, wished: dict[str, Any]) -> None:
    """There, or to the first of what is offered instead."""
    path = shown["links"]["reschedule"]
    answer = await diary.post(path, seen, wished)
    for start in orjson.loads(answer.body).get("alternatives", ()) if answer.status == 409 else ():
        if (await diary.post(path, seen, wished | {"start": start})).status == 200:
            return


CHANGES: Mapping[Change, Callable[[Diary, dict[str, Any], str], Awaitable[None]]] = {
    "cancel": _cancel,
    "move": _move,
    "switch": _switch,
}
