"""Staff see whoever can come at once: the therapist opens an hour that begins in the next minute, and says what became
of it once it has begun. Who needs no more is discharged by their therapist: after the hour, or while it lies ahead still.

As their frontends would, each with a token of their own: a therapist their own calendar and hours, the desk of a clinic who
is there in person and who is not. By the clock alone: nothing is said of an hour before it begins.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

import orjson

from simulation.http_client import Address, Connection, connection
from simulation.http_wire import Answer, Unanswered, prepare
from simulation.returning import Desks
from simulation.seeding import Badges

LOOK_SECONDS = 0.2
# So long it takes at most to write an hour down before its minute begins.
AHEAD_SECONDS = 3.0
# Whoever comes when others are seen already is seen with them, or not unless a minute begins within this time.
SOON_SECONDS = 45.0
TRIES = 2
CLOSE_TRIES, CHANGED_MEANWHILE = 5, 412
QUARTER = timedelta(minutes=15)
REFUSED = (ValueError, KeyError, Unanswered)


End = Literal["completed", "referred_out"]


class Coming(NamedTuple):
    """Somebody who says that they can come at once: their hour as they see it, and whether they will really come; or that
    they need no more: why their case, of this `code`, is closed, after the hour where they come."""

    shown: dict[str, Any]
    comes: bool
    code: str = ""
    ends: End | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """An hour that begins at this moment (Unix seconds), with its version as ETag."""

    shown: dict[str, Any]
    seen: str
    begins: float
    who: Coming


async def see(desks: Desks, badges: Badges, coming: list[Coming], *, more: Callable[[], bool]) -> None:
    """Sees whoever is in `coming`, and whoever is put there while there may be `more`; over when every hour that was
    given has begun and was spoken of."""
    given: list[Session] = []
    latest = math.inf
    async with connection(desks.scheduling) as own, connection(desks.intake) as office:
        staff = Staff(desks.scheduling, own, desks.intake, office, badges)
        while coming or given or more():
            while coming:
                who, begins = coming.pop(0), next_minute(time.time()).timestamp()
                if who.ends and not who.comes:
                    await staff.discharge(who)
                elif begins <= max(latest, time.time() + SOON_SECONDS) and (
                    found := await staff.take_in(who)
                ):
                    given.append(found)
                    latest = found.begins
            for session in [one for one in given if one.begins <= time.time()]:
                given.remove(session)
                await staff.attend(session)
            await asyncio.sleep(LOOK_SECONDS)


@dataclass(frozen=True, slots=True)
class Staff:
    """Therapists and desks on one connection to each service; each request shows the token of whoever makes it."""

    scheduling: Address
    own: Connection
    intake: Address
    office: Connection
    badges: Badges

    async def take_in(self, who: Coming) -> Session | None:
        """The hour as it is from now on; none where the therapist has somebody else then: it stays as it was."""
        token = self.badges.therapist(who.shown["therapist_id"])
        try:
            for _ in range(TRIES):
                start = next_minute(time.time())
                await self._open(who.shown, start, token)
                shown, seen = await self._move(who.shown, start, token)
                if datetime.fromisoformat(shown["start"]) == start and shown["state"] == "booked":
                    return Session(shown, seen, start.timestamp(), who)
        except REFUSED:
            return None
        return None

    async def attend(self, session: Session) -> None:
        """Whoever came is here and is seen, and is discharged where they need no more; of others it is said that they did
        not come. Each step may be sent twice."""
        shown, seen = session.shown, session.seen
        therapist = self.badges.therapist(shown["therapist_id"])
        door = self.badges.desk(shown["organisation"]) if shown["lane"] == "in_person" else therapist
        try:
            for step, token in (
                (("arrive", door), ("fulfil", therapist)) if session.who.comes else (("no-show", door),)
            ):
                answer = await self._send(
                    "POST", f"{shown['links']['self']}/{step}", token, {}, {"if-match": seen}
                )
                seen = answer.header("etag") or seen
            if session.who.ends:
                await self.discharge(session.who)
        except Unanswered:
            return

    async def discharge(self, who: Coming) -> None:
        """Their therapist closes the case as it stands then; once more where it moved on meanwhile."""
        path = f"/v1/cases/{who.code}"
        known = {"authorization": f"Bearer {self.badges.therapist(who.shown['therapist_id'])}"}
        with contextlib.suppress(Unanswered):
            for _ in range(CLOSE_TRIES):
                seen = await self.office.insist(prepare("GET", path, self.intake.name, b"", known))
                headers = known | {"if-match": seen.header("etag") or ""}
                body = orjson.dumps({"reason": who.ends})
                answer = await self.office.insist(
                    prepare("POST", f"{path}/close", self.intake.name, body, headers)
                )
                if answer.status != CHANGED_MEANWHILE:
                    return

    async def _open(self, shown: dict[str, Any], start: datetime, token: str) -> None:
        length = datetime.fromisoformat(shown["end"]) - datetime.fromisoformat(shown["start"])
        for hours in extra_hours(start, length, shown["time_zone"]):
            path = f"/v1/calendars/{shown['therapist_id']}/exceptions/{uuid4()}"
            where = {"lane": shown["lane"], "site_id": shown["site_id"]}
            await self._send("PUT", path, token, hours | where)

    async def _move(self, shown: dict[str, Any], start: datetime, token: str) -> tuple[dict[str, Any], str]:
        """The hour as it stands after it, whether or not it could be moved."""
        path = shown["links"]["self"]
        wished = {"start": start.isoformat()}
        seen = {"if-match": f'"{shown["version"]}"'}
        answer = await self._send("POST", f"{path}/reschedule", token, wished, seen)
        if answer.status != 200:
            answer = await self._send("GET", path, token)
        return orjson.loads(answer.body), answer.header("etag") or ""

    async def _send(
        self,
        method: str,
        path: str,
        token: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        content = orjson.dumps(body) if body is not None else b""
        known = {"authorization": f"Bearer {token}"} | (headers or {})
        return await self.own.insist(prepare(method, path, self.scheduling.name, content, known))


def next_minute(now: float) -> datetime:
    """The next full minute that leaves time to be written down before it begins."""
    return datetime.fromtimestamp((now + AHEAD_SECONDS) // 60 * 60 + 60, UTC)


def extra_hours(start: datetime, length: timedelta, time_zone: str) -> Iterator[dict[str, Any]]:
    """An exception for each day on the wall that the hour touches, in whole quarters around it."""
    zone = ZoneInfo(time_zone)
    opens, closes = start.astimezone(zone), (start + length).astimezone(zone)
    first = opens.replace(minute=opens.minute // 15 * 15)
    last = closes + (QUARTER - timedelta(minutes=closes.minute % 15)) % QUARTER
    days = [first.date()] if last.date() == first.date() else [first.date(), last.date()]
    for day in days:
        begins = first.strftime("%H:%M") if day == first.date() else "00:00"
        ends = last.strftime("%H:%M") if day == last.date() else "24:00"
        if begins != ends:
            yield {
                "kind": "extra_hours",
                "first_day": day.isoformat(),
                "last_day": day.isoformat(),
                "start": begins,
                "end": ends,
            }
