"""A person presses "help": an alarm on their case, or on a case opened for it, in one transaction.

An alarm belongs to a case: by its code the person comes back, a human sees how it stands and it is withdrawn and erased
like any other. So who asks without a case gets the smallest one, by the same path as every request, held until a human
has spoken with them. It is no request for care: nothing is matched and nobody is asked to agree to anything first.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from uuid import UUID

import orjson

from services.intake.domain.contacts import Contact
from services.intake.domain.help import Answer, Caller, answer, raised
from services.intake.domain.new_case import AlarmOfCase
from services.intake.domain.requests import CareRequest
from services.intake.domain.rota import Staffing
from services.intake.handlers.announcements import alarm_raised
from services.intake.handlers.escalating import await_somebody
from services.intake.handlers.renewing import renew_open_alarms
from services.intake.handlers.submission import Accepted, Asked, Desk, new_alarm, submit_cases
from services.intake.repository import alarms, callers, gates, rota, standings
from shared.messaging import Transaction
from shared.web import idempotency

SCOPE = "POST /v1/crisis/help"


@dataclass(frozen=True, slots=True)
class CallForHelp:
    """Who calls, as far as it is known: the case of a session, a code, a contact; `request` opens a case from it."""

    key: str
    body_hash: bytes
    case_id: UUID | None
    case_code: str | None
    province: str
    contact: Contact | None
    request: CareRequest | None
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Helped:
    """What became of a call. `opened` is the case that was opened for it, whose person gets its code and PIN; `staffing`
    is who is on as it is answered, which is not kept with the answer."""

    answer: Answer
    reachable: bool
    opened: UUID | None = None
    case_code: str | None = None
    card_language: str | None = None
    staffing: Staffing | None = None


class Switchboard:
    """Puts calls to their cases: by case which calls raise an alarm, and which say where to reach the person now."""

    def __init__(self, known: Sequence[Caller]) -> None:
        self._by_id = {caller.case_id: caller for caller in known}
        self._by_code = {caller.case_code: caller for caller in known}
        self.raised: dict[UUID, tuple[CallForHelp, Caller]] = {}
        self.renewed: dict[UUID, tuple[CallForHelp, Caller]] = {}

    def put_through(self, call: CallForHelp) -> Helped:
        """What becomes of it. Of two calls with one case that come together the first raises, the last contact counts."""
        caller = self._by_id.get(call.case_id) if call.case_id else self._by_code.get(call.case_code or "")
        has_contact = call.contact is not None
        if caller is None:
            found = answer(has_case=False, called_already=False, has_contact=has_contact)
            return Helped(found, has_contact)
        just_now = caller.case_id in self.raised
        called = just_now or caller.open_call is not None
        found = answer(has_case=True, called_already=called, has_contact=has_contact)
        if found == "raised" or (just_now and has_contact):
            self.raised[caller.case_id] = (call, caller)
        elif has_contact:
            self.renewed[caller.case_id] = (call, caller)
        return Helped(found, caller.contactable or has_contact, None, None, caller.card_language)


async def call_for_help(
    calls: Sequence[CallForHelp], tx: Transaction, desk: Desk
) -> list[Helped | Exception]:
    """In the order of the calls; the same key and body is one call."""
    claims = await idempotency.claim(
        tx, [idempotency.KeyedRequest(SCOPE, call.key, call.body_hash) for call in calls]
    )
    fresh = {place: calls[place] for place, claim in enumerate(claims) if claim.state == "new"}
    switchboard = Switchboard(
        await callers.lock_callers(
            tx,
            [call.case_id for call in fresh.values() if call.case_id],
            [call.case_code for call in fresh.values() if call.case_code],
        )
    )
    helped = {place: switchboard.put_through(call) for place, call in fresh.items()}
    await _renew([*switchboard.raised.values(), *switchboard.renewed.values()], tx, desk)
    await _raise(list(switchboard.raised.values()), tx, desk)
    helped |= await _open(
        {place: fresh[place] for place, one in helped.items() if one.answer == "opened"}, tx, desk
    )
    made = {place: one for place, one in helped.items() if one.answer != "nothing"}
    idempotency.record(
        tx,
        [(SCOPE, calls[place].key, calls[place].body_hash, 202, _kept(one)) for place, one in made.items()],
    )
    answers = [helped.get(place) or _earlier(claim) for place, claim in enumerate(claims)]
    staffing = await rota.read_staffing(tx)
    return [replace(one, staffing=staffing) if isinstance(one, Helped) else one for one in answers]


async def _raise(raises: Sequence[tuple[CallForHelp, Caller]], tx: Transaction, desk: Desk) -> None:
    """Alarms on cases that exist; where to reach the person now is sealed for the alarm, if it was said."""
    rows = [
        AlarmOfCase(
            new_alarm(raised(desk.policy.alarms), caller.person_id, call.contact, tx, desk),
            caller.case_id,
            caller.person_id,
            call.province,
            caller.languages,
            caller.contactable or call.contact is not None,
        )
        for call, caller in raises
    ]
    alarms.save_alarms(tx, rows)
    await await_somebody(tx, [(row.alarm.alarm_id, row.alarm.due_by) for row in rows])
    await callers.mark_alarmed(tx, [row.case_id for row in rows])
    await standings.follow_gates(tx, await gates.wait_again(tx, [row.case_id for row in rows]))
    for call, caller in raises:
        tx.trace(str(caller.case_id), desk.keep_trace(call.traceparent))
    tx.emit(alarm_raised(row, tx.now) for row in rows)


async def _renew(calls: Sequence[tuple[CallForHelp, Caller]], tx: Transaction, desk: Desk) -> None:
    """Who asks again may be somewhere else by now: so says every alarm of theirs that was open before."""
    said = {caller.person_id: call.contact for call, caller in calls if call.contact}
    await renew_open_alarms(tx, said, desk.sealer)


async def _open(calls: dict[int, CallForHelp], tx: Transaction, desk: Desk) -> dict[int, Helped]:
    """Cases for those who have none."""
    asked = {place: Asked(call.request, call.traceparent) for place, call in calls.items() if call.request}
    accepted = await submit_cases(list(asked.values()), tx, desk) if asked else []
    return {place: _opened(one) for place, one in zip(asked, accepted, strict=True)}


def _opened(accepted: Accepted) -> Helped:
    return Helped("opened", True, accepted.case_id, accepted.case_code, accepted.card_language)


def _kept(helped: Helped) -> bytes:
    kept = asdict(helped)
    del kept["staffing"]
    return orjson.dumps(kept)


def _earlier(claim: idempotency.Claim) -> Helped | Exception:
    if claim.state != "replay" or claim.response is None:
        return idempotency.refusal(claim)
    kept = orjson.loads(claim.response)
    return Helped(**kept | {"opened": UUID(kept["opened"]) if kept["opened"] else None})
