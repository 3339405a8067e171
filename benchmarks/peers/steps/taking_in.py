"""The first step: a body becomes a case that is saved, with what identifies a person sealed.

Left out beside what no peer has: idempotency keys, alarms (they are read and kept as a mark on the case, nobody is paged),
people who take part, earlier cases.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uuid_utils
from fastapi import Response
from pydantic import ValidationError

from benchmarks.peers.steps.opening import transaction
from services.intake.api.requests import CaseSent
from services.intake.domain.admission import Admission, admit
from services.intake.domain.checking import check
from services.intake.domain.codes import BYTES_PER_CODE, case_codes, pin
from services.intake.domain.contacts import CONFIRMED_FOR_DAYS
from services.intake.domain.crisis import card_language
from services.intake.domain.policy import Policy
from services.intake.domain.requests import CareRequest
from services.intake.handlers.announcements import asked_for
from services.intake.settings.data_files import read_policy
from shared.contracts.intake import Attendee, CaseSubmitted
from shared.messaging import Transaction
from shared.privacy import Sealer, derive

CASE = """
INSERT INTO cases (case_id, case_code, person_id, attendee_id, gate, province, card_language, alarmed, needs, triage,
    awaits, step_table_version, submitted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
CONSENT = """
INSERT INTO consents (person_id, case_id, purpose, state, text_version, language, at)
VALUES ($1, $2, $3, 'given', $4, $5, $6)
"""
CONTACT = """
INSERT INTO contacts (person_id, channel, box, version, language, script, owner, safe_windows, time_zone, confirmed_until,
    changed_at, further_channels)
VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, $11)
"""
ANSWER = """
INSERT INTO answers (case_id, instrument, instrument_version, mode, language, box, follow_up, answered_at)
VALUES ($1, $2, $3, 'self', $4, $5, $6, $7)
"""
KEY = "INSERT INTO vault.person_keys (person_id, purpose, wrapped) VALUES ($1, $2, $3)"


class Refused(ValueError):
    """The body cannot be meant; for the answer 422."""


@dataclass(frozen=True, slots=True)
class Handle:
    """What a case is answered by: its id, and the code that its person is given."""

    case_id: UUID
    code: str


@dataclass(frozen=True, slots=True)
class Case:
    """A request that was admitted."""

    case_id: UUID
    code: str
    person_id: UUID
    attendee_id: UUID
    request: CareRequest
    admission: Admission


HandOn = Callable[[CareRequest, Handle], Awaitable[object]]


class Reception:
    """Reads bodies and saves cases."""

    def __init__(self, pool: asyncpg.Pool, deployment_key: bytes) -> None:
        self._pool = pool
        self._policy: Policy = read_policy()
        self._sealer = Sealer(deployment_key)
        self._pin_key = derive(deployment_key, "pin")

    def read(self, body: bytes) -> CareRequest:
        """The request, checked. Raises Refused."""
        try:
            request = check(self._policy, CaseSent.model_validate_json(body).meant())
        except ValidationError as misfit:
            raise Refused(str(misfit)) from misfit
        if isinstance(request, list):
            raise Refused(str(request))
        return request

    def new_handle(self) -> Handle:
        """For a case that is about to be made."""
        [code] = case_codes(os.urandom(BYTES_PER_CODE))
        return Handle(UUID(bytes=uuid_utils.uuid7().bytes), code)

    def answer(self, handle: Handle) -> bytes:
        """What is answered to whoever has posted it, as ours is."""
        secret, code = pin(self._pin_key, handle.case_id), handle.code
        return f'{{"case_code":"{code}","pin":"{secret}","status_url":"/v1/cases/{code}"}}'.encode()

    async def respond(self, body: bytes, hand_on: HandOn) -> Response:
        """The answer to POST /v1/cases: 202 once the request was handed on, 422 for what cannot be meant."""
        try:
            request = self.read(body)
        except Refused:
            return Response(status_code=422)
        handle = self.new_handle()
        await hand_on(request, handle)
        return Response(self.answer(handle), 202, media_type="application/json")

    async def take(self, request: CareRequest, handle: Handle) -> CaseSubmitted:
        """Decides, seals and saves; the case as it is told on."""
        async with transaction(self._pool) as tx:
            admission = admit(self._policy, request)
            case = Case(handle.case_id, handle.code, tx.new_id(), tx.new_id(), request, admission)
            await self._save(tx, case)
            return _submitted(case, self._policy.steps.version, tx)

    async def _save(self, tx: Transaction, case: Case) -> None:
        needs, contact, consent = case.request.needs, case.request.contact, case.request.consent
        execute, admission = tx.connection.execute, case.admission
        keys: list[tuple[UUID, str, bytes]] = []
        await execute(
            CASE, case.case_id, case.code, case.person_id, case.attendee_id, admission.gate, needs.province,
            card_language(contact.language, contact.script), admission.alarm is not None, needs, admission.triage,
            admission.awaits, self._policy.steps.version, tx.now,
        )  # fmt: skip
        given = [(case.person_id, case.case_id, one, consent.text_version, consent.language, tx.now) for one in consent.purposes]  # fmt: skip
        await tx.connection.executemany(CONSENT, given)
        address = {"address": contact.address.encode()} if contact.address else {}
        box = self._seal(case.person_id, "contact", address, keys).get("address")
        until = tx.now + timedelta(days=CONFIRMED_FOR_DAYS)
        await execute(
            CONTACT, case.person_id, contact.channel, box, contact.language, contact.script, contact.owner,
            contact.safe_windows, needs.time_zone, until, tx.now, contact.then,
        )  # fmt: skip
        if rows := self._answers(case, keys, tx):
            await tx.connection.executemany(ANSWER, rows)
        if keys:
            await tx.connection.executemany(KEY, keys)

    def _answers(self, case: Case, keys: list[tuple[UUID, str, bytes]], tx: Transaction) -> list[Any]:
        request = case.request
        read_as = {"gender": request.gender} if request.gender else {}
        fields = {name: orjson.dumps({"answers": given} | read_as) for name, given in request.answers.items()}
        boxes = self._seal(case.person_id, "answers", fields, keys)
        return [
            (case.case_id, one.instrument, one.version, request.consent.language, boxes[one.instrument],
             bool(one.follow_up), tx.now)
            for one in case.admission.readings
        ]  # fmt: skip

    def _seal(
        self,
        person_id: UUID,
        purpose: str,
        fields: dict[str, bytes],
        keys: list[tuple[UUID, str, bytes]],
    ) -> dict[str, str]:
        """The boxes by field; the one key they were sealed with is added to `keys`, wrapped."""
        if not fields:
            return {}
        key = self._sealer.new_key()
        keys.append((person_id, purpose, key.wrapped))
        return {
            field: self._sealer.seal(key, text, purpose=purpose, person_id=person_id, field=field, version=1)
            for field, text in fields.items()
        }


def _submitted(case: Case, step_table_version: str, tx: Transaction) -> CaseSubmitted:
    triage = case.admission.triage
    person = Attendee(attendee_id=case.attendee_id, person_id=case.person_id, role="person", consent="given")
    return CaseSubmitted(
        case_id=case.case_id,
        person_id=case.person_id,
        attendees=(person,),
        gate=case.admission.gate,
        step=triage.step,
        step_reasons=triage.reasons,
        step_table_version=step_table_version,
        priority=triage.priority,
        alarm_open=case.admission.alarm is not None,
        submitted_at=tx.now,
        **asked_for(case.request.needs),
    )
