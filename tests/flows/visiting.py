"""The stack as those outside see it: coordinators put care in, people ask, come back and change, messages arrive."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import aiohttp
import asyncpg
import orjson

from deploy.local.stack import Stack
from shared.web.signatures import hub_signature
from simulation.evidence import kernel
from simulation.seeding import Badges, entitle, staff_token
from tests.waiting import until

KARACHI = ZoneInfo("Asia/Karachi")
WHATSAPP_SECRET = "what-the-app-is-signed-with"
ANY_TIME = [{"day": day, "start": "00:00", "end": "24:00"} for day in range(1, 8)]
ALL_DAY = [{"day": day, "start": "00:00", "end": "24:00", "lane": "online"} for day in range(1, 8)]
THERAPIST: dict[str, Any] = {
    "organisation": "humqadam-network",
    "gender": "woman",
    "profession": "clinical_psychologist",
    "register_status": "no-register-exists",
    "modalities": ["video", "audio", "phone"],
    "age_bands": ["18-24", "25-34", "35-44", "45-59", "60+"],
    "fee": 0,
    "problem_areas": ["low_mood", "anxiety", "stress", "other"],
    "steps": [1, 2, 3, 4],
    "weekly_limit": 10,
    "status": "active",
}


@dataclass(slots=True)
class Person:
    """Somebody with a case, and the session they came back with."""

    number: str
    code: str
    session: dict[str, str]
    pin: str = ""


class Partner:
    """An organisation that follows its feed."""

    def __init__(self, town: "Town", key: str) -> None:
        self._town, self._known = town, {"authorization": f"Bearer {key}"}

    async def hears(self, therapist_id: str, count: int) -> list[dict[str, Any]]:
        """What it is told of one of its people's hours, once it is so much."""

        async def look() -> list[dict[str, Any]] | None:
            page, _ = await self._town.ask("partners", "GET", "/v1/bookings?after=0&limit=500", self._known)
            of_theirs = [one for one in page["events"] if one["data"]["practitioner"] == therapist_id]
            return of_theirs if len(of_theirs) >= count else None

        return list(await until(look, f"{count} changes told to the partner", every=0.2))


class Town:
    """One stack, and what one does there."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession) -> None:
        self._stack, self._http = stack, http

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[asyncpg.Connection]:
        """A look into the tables, for what nobody is told."""
        connection = await asyncpg.connect(self._stack.addresses["database"])
        try:
            yield connection
        finally:
            await connection.close()

    def today(self) -> date:
        """What the calendar on the wall says."""
        return datetime.now(KARACHI).date()

    def staff(self, role: str = "coordinator") -> dict[str, str]:
        """The headers of somebody on the staff."""
        token = staff_token(self._stack.folder / "secrets", now=time.time(), role=role)
        return {"authorization": f"Bearer {token}"}

    def therapist_at(self, therapist_id: UUID) -> dict[str, str]:
        """The headers of this therapist."""
        badges = Badges.of(self._stack.folder / "secrets", now=time.time())
        return {"authorization": f"Bearer {badges.therapist(str(therapist_id))}"}

    async def ask(
        self,
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Any = None,
        *,
        good: int = 200,
    ) -> tuple[dict[str, Any], str]:
        """One request that must be answered so: what it holds, and its ETag."""
        url = f"{self._stack.addresses[service]}{path}"
        async with self._http.request(method, url, headers=headers, json=body) as answer:
            said = await answer.read()
            assert answer.status == good, (method, path, answer.status, said)
            return (orjson.loads(said) if said else {}), answer.headers.get("etag", "")

    async def therapist(self, language: str, *rules: dict[str, Any], **calendar: Any) -> UUID:
        """Somebody who gives care, with a week. Stories keep apart by the language that is spoken in them."""
        staff, therapist_id = self.staff(), uuid4()
        profile = THERAPIST | {"languages": [{"language": language, "fluency": "native"}]}
        week = {"time_zone": "Asia/Karachi", "rules": rules} | calendar
        await self.ask("matching", "PUT", f"/v1/therapists/{therapist_id}", staff, profile, good=201)
        await self.ask("scheduling", "PUT", f"/v1/calendars/{therapist_id}", staff, week)
        async with self.looking() as tables:
            await until(lambda: _is_known(tables), "scheduling knows the therapist", every=0.1)
        return therapist_id

    async def partner(self, organisation: str) -> Partner:
        """An organisation with a key, which listens from then on."""
        file = self._stack.folder / "secrets" / f"{organisation}.key"
        await entitle(self._stack.addresses["database"], organisation, file)
        return Partner(self, file.read_text().strip())

    async def request(self, number: str, language: str, **wishes: Any) -> Person:
        """Somebody asks for help, and comes back with code and PIN."""
        contact = {"channel": "sms", "address": number, "language": "en", "safe_windows": ANY_TIME}
        body = {
            "modalities": ["video"],
            "languages": [language],
            "province": "PK-PB",
            "contact": contact,
            "consent": {"care": True, "contact": True, "text_version": "2026-01"},
        } | wishes
        keyed = {"idempotency-key": f"ask-{number}"}
        asked, _ = await self.ask("intake", "POST", "/v1/cases", keyed, body, good=202)
        known = {"case_code": asked["case_code"], "pin": asked["pin"]}
        session, _ = await self.ask("intake", "POST", "/v1/sessions", {}, known)
        return Person(
            number, asked["case_code"], {"authorization": f"Bearer {session['token']}"}, asked["pin"]
        )

    async def stands(self, person: Person, *states: str) -> dict[str, Any]:
        """The case as its person sees it, once it is in one of these states."""

        async def look() -> dict[str, Any] | None:
            case, _ = await self.ask("intake", "GET", f"/v1/cases/{person.code}", person.session)
            return case if case["state"] in states else None

        found: dict[str, Any] = await until(look, f"{states}", every=0.1)
        return found

    async def appointment(self, person: Person) -> tuple[dict[str, Any], str]:
        """The hour the person has, and its version."""
        case = await self.stands(person, "booked")
        return await self.ask("scheduling", "GET", case["links"]["appointment"], person.session)

    async def gives_back(self, person: Person) -> dict[str, Any]:
        """The person cannot come; the hour they had."""
        hour, seen = await self.appointment(person)
        changing = person.session | {"if-match": seen}
        await self.ask("scheduling", "POST", hour["links"]["cancel"], changing, {"reason": "cannot_come"})
        return hour

    def whatsapps(self, person: Person) -> list[tuple[str, float]]:
        """What WhatsApp took for the person, by its own id, and when."""
        file = self._stack.folder / "sinks" / "whatsapp.jsonl"
        lines = enumerate(file.read_bytes().split(b"\n")[:-1], 1) if file.exists() else []
        taken = [(f"wamid.sim{number}", orjson.loads(line)) for number, line in lines]
        return [(wamid, one["received_at"]) for wamid, one in taken if one["to"].endswith(person.number[1:])]

    async def answers(self, wamid: str, words: str) -> dict[str, Any]:
        """Somebody answers this message, and WhatsApp tells us; what we make of it."""
        answer = {"context": {"id": wamid}, "text": {"body": words}}
        change = {"field": "messages", "value": {"messaging_product": "whatsapp", "messages": [answer]}}
        body = orjson.dumps({"object": "whatsapp_business_account", "entry": [{"changes": [change]}]})
        signed = {"x-hub-signature-256": hub_signature(WHATSAPP_SECRET.encode(), body)}
        url = f"{self._stack.addresses['notifications']}/v1/receipts/whatsapp"
        headers = signed | {"content-type": "application/json"}
        async with self._http.post(url, data=body, headers=headers) as told:
            assert told.status == 200, await told.read()
            found: dict[str, Any] = orjson.loads(await told.read())
            return found

    async def texts(self, person: Person, word: str) -> list[str]:
        """What reached the person's telephone and has this word in it, once something has."""
        file = self._stack.folder / "sinks" / "sms.jsonl"
        return list(
            await until(lambda: _received(file, person.number, word), f"a text with {word}", every=0.1)
        )


def an_hour_on(days: int) -> tuple[datetime, dict[str, Any]]:
    """Ten o'clock in so many days, and the weekly rule that leaves room for nobody else on that day."""
    day = datetime.now(KARACHI) + timedelta(days=days)
    rule = {"day": day.isoweekday(), "start": "10:00", "end": "11:00", "lane": "online"}
    return day.replace(hour=10, minute=0, second=0, microsecond=0).astimezone(UTC), rule


async def _is_known(tables: asyncpg.Connection) -> bool:
    return not await kernel.behind(tables, "matching", "matching.therapists", "scheduling")


def _received(file: Path, number: str, word: str) -> list[str]:
    whole = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    lines = [orjson.loads(line) for line in whole]
    return [one["text"] for one in lines if one["to"].endswith(number[1:]) and word in one["text"]]
