"""The duty desk acts: a named human takes an alarm, tries to reach the person, judges anew how grave it is, closes it."""

from collections.abc import Mapping
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.intake.api.duty import (
    NO_STORE,
    AttemptSent,
    Clinician,
    ClosingSent,
    DutyDesk,
    HandoverSent,
    LevelSent,
    attempt_digest,
    attempted,
    named,
    no_alarm,
    stand_by,
)
from services.intake.domain.alarms import Staff, Verdict, confirmed
from services.intake.handlers.alarms import Closing, Taking
from services.intake.handlers.attending import Attempting, Judging, Recorded
from services.intake.handlers.handing_over import HandingOver
from shared.web import Principal, fast_json, parse
from shared.web.described import body_of
from shared.web.posts import KEY_PARAMETER, idempotency_key

ATTEMPT_BODY = body_of(
    AttemptSent,
    nobody={"outcome": "no_answer"},
    later={"outcome": "call_back_agreed", "note": "At eight, on the same number."},
)
LEVEL_BODY = body_of(
    LevelSent, raised={"level": "R3"}, lowered={"level": "R1", "reason": "Is with her family."}
)
HANDOVER_BODY = body_of(
    HandoverSent,
    end_of_shift={
        "to_id": "bilal.r",
        "to_name": "Bilal R.",
        "reason": "My shift ends; he tries again at six.",
    },
)
CLOSING_BODY = body_of(ClosingSent, reached={"outcome": "reached_and_safe", "reason": "Spoke by phone."})


def alarm_action_routes(desk: DutyDesk) -> APIRouter:
    """POST /v1/alarms/{id}/acknowledge, /attempts, /level, /handover and /close; named duty clinicians only."""
    router = APIRouter(prefix="/v1/alarms/{alarm_id}", tags=["alarms"])

    @router.post("/acknowledge")
    async def acknowledge(alarm_id: UUID, caller: Clinician) -> Response:
        """The caller has it from now on."""
        staff = named(caller)
        return _done(
            await desk.acknowledge(Taking(alarm_id, staff)), {"state": "acknowledged", "by": staff.name}
        )

    @router.post("/attempts", status_code=201, openapi_extra=ATTEMPT_BODY | KEY_PARAMETER)
    async def attempt(alarm_id: UUID, caller: Clinician, request: Request) -> Response:
        """The caller tried to reach the person, and how that ended. It takes no alarm and closes none."""
        row = await _write_down(desk, alarm_id, caller, request)
        answer = {"attempt_id": row.attempt_id, "outcome": row.outcome, "by": row.by, "at": row.attempted_at}
        return fast_json(201, answer, NO_STORE)

    @router.post("/level", openapi_extra=LEVEL_BODY)
    async def change_level(alarm_id: UUID, caller: Clinician, request: Request) -> Response:
        """Raised freely, lowered with a reason. By when somebody must be on it is counted anew, and never later
        for a raise. Saying the same level again changes nothing."""
        return await _change_level(desk, alarm_id, caller, request)

    @router.post("/handover", openapi_extra=HANDOVER_BODY)
    async def hand_over(alarm_id: UUID, caller: Clinician, request: Request) -> Response:
        """A colleague has it from now on, in the name of whoever says so. They are paged until they acknowledge it, and
        after a time the next on the rota is; handing it over to whoever has it changes nothing."""
        return await _hand_over(desk, alarm_id, caller, request)

    @router.post("/close", openapi_extra=CLOSING_BODY)
    async def close(alarm_id: UUID, caller: Clinician, request: Request) -> Response:
        """The caller is done with it, with an outcome and a reason."""
        staff = named(caller)
        sent = parse(ClosingSent, await request.body())
        verdict = await desk.close(Closing(alarm_id, staff, sent.outcome, sent.reason))
        return _done(verdict, {"state": "closed", "by": staff.name, "outcome": sent.outcome})

    return router


async def _write_down(desk: DutyDesk, alarm_id: UUID, caller: Principal, request: Request) -> Recorded:
    staff = named(caller)
    body, key = await request.body(), idempotency_key(request)
    sent = parse(AttemptSent, body)
    digest = attempt_digest(desk, alarm_id, staff, body)
    return attempted(
        await desk.attempt(Attempting(alarm_id, staff, sent.outcome, sent.note or None, key, digest))
    )


async def _change_level(desk: DutyDesk, alarm_id: UUID, caller: Principal, request: Request) -> Response:
    staff = named(caller)
    sent = parse(LevelSent, await request.body())
    judged = await desk.change_level(Judging(alarm_id, staff, sent.level, sent.reason or None))
    if judged is None:
        raise no_alarm()
    alarm = judged.alarm
    return _done(judged.verdict, {"state": alarm.state, "level": alarm.level, "due_by": alarm.due_by})


async def _hand_over(desk: DutyDesk, alarm_id: UUID, caller: Principal, request: Request) -> Response:
    staff = named(caller)
    sent = parse(HandoverSent, await request.body())
    to = Staff(sent.to_id, sent.to_name)
    verdict = await desk.hand_over(HandingOver(alarm_id, staff, to, sent.reason))
    return _done(verdict, {"state": "acknowledged", "by": to.name, "confirmed": confirmed(staff, to)})


def _done(verdict: Verdict | None, done: Mapping[str, object]) -> Response:
    stand_by(verdict)
    return fast_json(200, done, NO_STORE)
