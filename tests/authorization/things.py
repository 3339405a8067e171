"""What routes are about, made by the services' own code: a case, an alarm, a therapist, an appointment, and whose it is.

A new path parameter is filled here. What has no owner (a site) has no claims.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import choice
from secrets import token_bytes
from typing import Any
from uuid import UUID, uuid4

import httpx2

from services.console.handlers import following
from services.console.repository import tasks as console_tasks
from services.intake.api.requests import EXAMPLE
from services.intake.domain.alarms import Staff
from services.intake.domain.codes import BYTES_PER_CODE, case_codes
from services.intake.handlers.alarms import Taking, acknowledge_alarms
from services.intake.handlers.progress import project
from services.intake.handlers.rota import Entering, enter_shifts
from services.matching.handlers.continuity import ContinuityDesk
from services.matching.handlers.matchmaking import Matchmaker
from services.matching.handlers.profiles import Description, describe_therapist
from services.matching.handlers.roster import Roster
from services.matching.repository import continuity, offers
from services.matching.settings import read_cities
from services.notifications.handlers.knowing import remember_contacts
from services.notifications.handlers.planning import tell_of_bookings
from services.notifications.handlers.sending import claim_due
from services.partners.handlers.keys import create_key
from services.scheduling.domain.calendars import OtherHours
from services.scheduling.domain.changes import Caller
from services.scheduling.domain.holds import Hold, Wanted
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers import changing, closures, holding
from services.scheduling.handlers.exceptions import save as save_exception
from services.scheduling.handlers.matches import book_matches
from services.scheduling.repository import appointments
from shared.contracts.matching import MatchAttendee, TaskOpened
from shared.contracts.scheduling import AppointmentBooked
from shared.messaging import Database, Due
from shared.web.idempotency import KeyedRequest
from shared.web.keys import RANDOM_BYTES, make_key
from tests.intake.test_progress import appointment
from tests.matching import examples
from tests.matching.events import a_case
from tests.notifications.facts import a_booking, a_contact
from tests.scheduling import world
from tests.scheduling.store import NOW, Store

TODAY = int(NOW.timestamp()) // 86_400
ORGANISATIONS = ("rehmat-hospital", "humqadam-network")


@dataclass(frozen=True, slots=True)
class Things:
    """`parameters` fill paths and queries by name; `claims` by role are those of a token whose holder owns them; `keys`
    by role are what those show who have no token. Where each role has a thing of its own, `of_role` has the parameters that
    differ."""

    parameters: Mapping[str, str]
    claims: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    of_role: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def seen_by(self, role: str) -> "Things":
        """These, as somebody in this role asks for them."""
        return replace(self, parameters={**self.parameters, **self.of_role.get(role, {})})


Make = Callable[[str], Awaitable[Things]]  # for an organisation


def of_notifications(database: Database) -> Make:
    """Somebody whom a human is to call; a receipt about no message of ours is counted like any other."""

    async def make(_: str) -> Things:
        await call_somebody(database)
        async with database.statements() as tx:
            task = await tx.connection.fetchval(
                "SELECT task_id FROM calls WHERE closed_at IS NULL ORDER BY opened_at DESC LIMIT 1"
            )
        return Things(
            {
                "task_id": str(task),
                "hub.mode": "subscribe",
                "hub.verify_token": "nobody knows",
                "hub.challenge": "1158201444",
            }
        )

    return make


async def call_somebody(database: Database) -> None:
    """An hour of tomorrow, to be told by a call."""
    person, now = uuid4(), datetime.now(UTC)
    tomorrow = now + timedelta(days=1)
    reached = a_contact(person, channels=("call",), confirmed_until=tomorrow, changed_at=now)
    booking = a_booking(person, start=tomorrow)
    async with database.transaction() as tx:
        await remember_contacts([reached], tx)
    async with database.transaction() as tx:
        await tell_of_bookings([booking], tx)
    async with database.transaction() as tx:
        await claim_due(tx, 100, timedelta(seconds=12), ("sms",))


def of_intake(app: Any, admin: Any, database: Database) -> Make:
    """A case with an alarm, asked for over HTTP, who takes part in it, and who has taken the alarm."""

    async def make(_: str) -> Things:
        body = EXAMPLE | {"answers": {"phq9": [0, 0, 0, 0, 0, 0, 0, 0, 3]}}
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url="http://intake"
        ) as client:
            asked = await client.post("/v1/cases", json=body, headers={"Idempotency-Key": str(uuid4())})
        code = asked.json()["case_code"]
        row = await admin.fetchrow(
            "SELECT case_id, alarm_id FROM intake.cases JOIN intake.alarms USING (case_id) WHERE case_code = $1",
            code,
        )
        owner, clinician = (
            {"case_id": str(row["case_id"]), "attendee_id": str(uuid4())},
            Staff(str(uuid4()), "Asma"),
        )
        others, own_codes = await taking_part(admin, row["case_id"])
        therapist = uuid4()
        hour = appointment(
            AppointmentBooked, row["case_id"], 1, 1, therapist_id=therapist, appointment_id=uuid4()
        )
        async with database.transaction() as tx:
            await project([hour], tx)
            await acknowledge_alarms([Taking(row["alarm_id"], clinician)], tx)
            [shift_id] = await enter_shifts([a_shift(clinician)], tx)
        return Things(
            {
                "code": code,
                "alarm_id": str(row["alarm_id"]),
                "shift_id": str(shift_id),
                "appointment_id": str(hour.appointment_id),
            },
            {
                "person": owner,
                **others,
                "therapist": {"sub": str(therapist)},
                "duty_clinician": {"sub": clinician.id},
            },
            of_role=own_codes,
        )

    return make


async def taking_part(
    admin: Any, case_id: UUID
) -> tuple[dict[str, Mapping[str, str]], dict[str, Mapping[str, str]]]:
    """Claims and own code by role of a relative and a guardian who agreed."""
    claims: dict[str, Mapping[str, str]] = {}
    codes: dict[str, Mapping[str, str]] = {}
    for role, what in (("participant", "family"), ("guardian", "guardian")):
        one, [code] = uuid4(), case_codes(token_bytes(BYTES_PER_CODE))
        await admin.execute(ADD_ATTENDEE, one, case_id, what, code)
        claims[role] = {"case_id": str(case_id), "attendee_id": str(one)}
        codes[role] = {"code": code}
    return claims, codes


def a_shift(staff: Staff) -> Entering:
    """Somebody is on for the next hour."""
    now = datetime.now(UTC)
    return Entering(staff, now, now + timedelta(hours=1), ("R3",), staff, str(uuid4()), b"")


def of_matching(database: Database) -> Make:
    """A therapist whose credential runs out soon, and a case whose person is to choose."""
    matchmaker = Matchmaker(examples.POLICY, Roster(examples.POLICY, read_cities()))

    async def make(organisation: str) -> Things:
        therapist, case = uuid4(), a_case(booking_mode="choose")
        last_day = examples.NOW.date() + timedelta(days=9)
        profile = examples.therapist(1, organisation=organisation, valid_until=last_day).profile
        async with database.transaction() as tx:
            await describe_therapist(
                Description(therapist, profile, None), tx, examples.POLICY.credentials.validity
            )
        async with database.transaction() as tx:
            await matchmaker.match_cases([case], tx)
            await ContinuityDesk(examples.POLICY).look([Due("continuity", str(therapist), tx.now)], tx)
            open_tasks = await continuity.page(tx, 200, None)
            task = next(one.task_id for one in open_tasks if one.therapist_id == therapist)
        async with database.transaction() as tx:
            offer = (await offers.open_offers(tx, [case.case_id]))[case.case_id]
        return Things(
            {
                "therapist_id": str(therapist),
                "case_id": str(case.case_id),
                "match_id": str(offer.match_id),
                "task_id": str(task),
            },
            {"person": {"case_id": str(case.case_id)}, "therapist": {"sub": str(therapist)}},
        )

    return make


def of_scheduling(store: Store) -> Make:
    """A site with a room, an hour for two that was booked with a therapist of the organisation, their afternoon off and an hour of
    theirs that is held."""

    async def make(organisation: str) -> Things:
        therapist = await world.add_therapist(store, organisation=organisation)
        two = tuple(MatchAttendee(attendee_id=uuid4(), person_id=uuid4()) for _ in range(2))
        match, site = world.match(therapist, attendees=two), await world.add_site(store)
        other = {"case_id": str(match.case_id), "attendee_id": str(two[1].attendee_id)}
        await store.handle(book_matches, [match])
        afternoon = OtherHours(uuid4(), 0, "time_off", TODAY, TODAY, 15 * 60, 17 * 60)
        async with store.transaction() as tx:
            await save_exception(tx, therapist, afternoon, None)
        closed = OtherHours(uuid4(), 0, "time_off", TODAY, TODAY, 0, 8 * 60, "in_person", site)
        async with store.transaction() as tx:
            await closures.save(tx, closed, None)
        held = await a_hold(store, therapist)
        room = await store.admin.fetchval("SELECT room_id FROM scheduling.rooms WHERE site_id = $1", site)
        appointment = await store.admin.fetchval(
            "SELECT appointment_id FROM scheduling.appointments WHERE case_id = $1", match.case_id
        )
        return Things(
            {
                "therapist_id": str(therapist),
                "site_id": str(site),
                "room_id": str(room),
                "appointment_id": str(appointment),
                "exception_id": str(afternoon.id),
                "hold_id": str(held.id),
                "closure_id": str(closed.id),
                "holiday_id": f"eid-{uuid4().hex[:8]}",
            },
            {
                "person": {"case_id": str(match.case_id)},
                "participant": other,
                "guardian": other,
                "therapist": {"sub": str(therapist)},
                "clinic_desk": {"organisation": organisation},
            },
        )

    return make


async def a_hold(store: Store, therapist: UUID) -> Hold:
    """An hour of the next day, for a case whose hour with the same therapist was cancelled."""
    staff, case = Caller("coordinator", "staff-1"), world.match(therapist)
    await store.handle(book_matches, [case])
    start = minute_of(NOW + timedelta(days=1))
    wanted = Wanted(case.case_id, therapist, start, "video", None, minutes=30)
    async with store.transaction() as tx:
        [booked] = await appointments.live(tx, [case.case_id])
        await changing.cancel(tx, booked.id, staff, "not_said", booked.version)
        return await holding.hold(tx, wanted, staff, KeyedRequest("POST /v1/holds", str(uuid4()), b""))


def of_partners(database: Database) -> Make:
    """An organisation with a key."""

    async def make(organisation: str) -> Things:
        made = make_key(token_bytes(RANDOM_BYTES))
        target = {
            "organisation": f"{organisation}-{uuid4().hex[:8]}",
            "key_id": made.key_id,
            "digest": made.digest.hex(),
            "scopes": ["bookings.read"],
        }
        async with database.transaction() as tx:
            await create_key(target, "tests", tx)
        return Things({}, keys={"partner": made.text})

    return make


def of_console(database: Database, admin: Any) -> Make:
    """A task in each role's own queue; what is not theirs is in another queue, or at another organisation's site. And a
    case."""
    queues = {
        "coordinator": "coordinator",
        "duty_clinician": "duty",
        "clinic_desk": "clinic",
        "supervisor": "supervisor",
        "operator": "data",
    }

    async def make(organisation: str) -> Things:
        mine, case = organisation == ORGANISATIONS[0], uuid4()
        others = dict(zip(queues, [*list(queues)[1:], next(iter(queues))], strict=True))
        others["clinic_desk"] = "clinic_desk"
        site, now = uuid4(), datetime.now(UTC)
        code = "".join(choice("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(10))
        await admin.execute(ADD_CASE, case, code)
        task_of = {role: uuid4() for role in queues}
        opened = [
            TaskOpened(
                task_id=task,
                kind="hour",
                queue=queues[role],  # type: ignore[arg-type]
                outcomes=("told",),
                due_by=now,
                site_id=site,
                opened_at=now,
            )
            for role, task in task_of.items()
        ]
        async with database.transaction() as tx:
            await console_tasks.know_sites(tx, [(site, organisation)])
            await following.open_tasks(opened, tx)
        of_role = {role: {"task_id": str(task_of[role if mine else others[role]])} for role in queues}
        claims = {"clinic_desk": {"organisation": organisation}}
        named = {"task_id": str(task_of["coordinator"]), "case": code, "event_type": "matching.match_made.v1"}
        return Things(named, claims, of_role=of_role)

    return make


ADD_ATTENDEE = """
INSERT INTO intake.attendees (attendee_id, case_id, person_id, role, consent, code, changed_at)
VALUES ($1, $2, $1, $3, 'given', $4, now())
"""

ADD_CASE = """
INSERT INTO intake.cases (case_id, case_code, person_id, attendee_id, gate, province, card_language, alarmed, needs, triage,
    submitted_at)
VALUES ($1, $2, $1, $1, 'open', 'PK-PB', 'en', false, '{}', '{}', now())
"""
