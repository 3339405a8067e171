"""Requests that come together: one transaction, everything or nothing, an alarm in the same one."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from services.intake.domain.codes import read_case_code
from services.intake.handlers.lookups import look_up_cases
from services.intake.handlers.submission import Accepted, Asked, Desk, submit_cases
from shared.privacy import SealBroken, Sealer, open_box
from tests.intake.conftest import WRAPPING_KEY, IntakeDatabase
from tests.intake.people import CALM, CONTACT, somebody

TRACE = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-00"


async def submit(store: IntakeDatabase, desk: Desk, *asked: Asked) -> list[Accepted]:
    async with store.intake.transaction() as tx:
        return await submit_cases(asked, tx, desk)


async def test_each_request_becomes_a_case_with_a_code_of_its_own(store: IntakeDatabase, desk: Desk) -> None:
    accepted = await submit(store, desk, *(Asked(somebody(), None) for _ in range(50)))
    assert len({one.case_code for one in accepted}) == len({one.case_id for one in accepted}) == 50
    assert all(read_case_code(one.case_code) == one.case_code for one in accepted)


async def test_matching_hears_codes_and_bands_and_notifications_a_sealed_address(
    store: IntakeDatabase, desk: Desk
) -> None:
    [accepted] = await submit(store, desk, Asked(somebody(), TRACE))
    [case] = await store.said(str(accepted.case_id))
    assert (case.type, case.lane, case.traceparent) == ("intake.case_submitted.v1", "routine", TRACE)
    assert case.event["step_reasons"] == ["phq9_5_to_9"]
    [contact] = [one for one in await store.said() if one.key == case.event["person_id"]]
    assert (contact.type, contact.traceparent) == ("intake.contact_changed.v1", TRACE)
    assert len(contact.event["safe_windows"]) == 7


async def test_notifications_hears_every_channel_that_is_allowed_in_order(
    store: IntakeDatabase, desk: Desk
) -> None:
    contact = replace(CONTACT, channel="call", then=("whatsapp", "sms", "inbox"))
    [accepted] = await submit(store, desk, Asked(replace(somebody(), contact=contact), None))
    [case] = await store.said(str(accepted.case_id))
    [told] = [one for one in await store.said() if one.key == case.event["person_id"]]
    assert told.event["channels"] == ["call", "whatsapp", "sms", "inbox"]


async def test_no_event_and_no_table_holds_an_address_or_an_answer_in_clear(
    store: IntakeDatabase, desk: Desk
) -> None:
    [accepted] = await submit(store, desk, Asked(somebody(), None))
    texts = [str(one.event) for one in await store.said()]
    for table in ("cases", "contacts", "answers", "consents", "standings"):
        texts += [str(dict(r)) for r in await store.admin.fetch(f"SELECT * FROM intake.{table}")]
    assert not any("399123" in text or "3991234567" in text for text in texts)
    assert not any(str(list(CALM)) in text for text in texts)
    assert accepted.alarmed is False


async def test_what_is_sealed_opens_with_the_key_in_the_vault_and_only_in_its_place(
    store: IntakeDatabase, desk: Desk
) -> None:
    [accepted] = await submit(store, desk, Asked(somebody(), None))
    row = await store.admin.fetchrow(
        "SELECT c.person_id, t.box, a.box AS answers FROM intake.cases c JOIN intake.contacts t USING (person_id)"
        " JOIN intake.answers a USING (case_id) WHERE case_id = $1",
        accepted.case_id,
    )
    wrapped = {
        r["purpose"]: r["wrapped"]
        for r in await store.admin.fetch(
            "SELECT * FROM vault.person_keys WHERE person_id = $1", row["person_id"]
        )
    }
    sealer = Sealer(WRAPPING_KEY)
    place: dict[str, Any] = {"person_id": row["person_id"], "version": 1}
    key = sealer.unwrap(wrapped["contact"])
    assert open_box(key, row["box"], purpose="contact", field="address", **place) == b"+923991234567"
    answers = open_box(
        sealer.unwrap(wrapped["answers"]), row["answers"], purpose="answers", field="phq9", **place
    )
    assert answers == b'{"answers":[0,1,2,0,1,0,1,0,0]}'
    with pytest.raises(SealBroken):
        open_box(key, row["box"], purpose="contact", field="code_word", **place)


@pytest.mark.parametrize(("item9", "level", "hours"), [(1, "R1", 24), (2, "R2", 4), (3, "R2", 4)])
async def test_item_nine_raises_an_alarm_in_the_same_transaction_on_the_crisis_lane(
    store: IntakeDatabase, desk: Desk, item9: int, level: str, hours: int
) -> None:
    [accepted] = await submit(store, desk, Asked(somebody((*CALM[:8], item9)), None))
    said = {one.type: one for one in await store.said(str(accepted.case_id))}
    alarm = said["intake.alarm_raised.v1"]
    assert (alarm.lane, alarm.event["level"], alarm.event["reachable"]) == ("crisis", level, True)
    row = await store.admin.fetchrow("SELECT * FROM intake.alarms WHERE case_id = $1", accepted.case_id)
    assert row["state"] == "open"
    assert (row["due_by"] - row["raised_at"]).total_seconds() == hours * 3600
    assert str(row["alarm_id"]) == alarm.event["alarm_id"]
    assert said["intake.case_submitted.v1"].event["gate"] == "open"
    assert accepted.alarmed is True


async def test_whoever_raised_an_alarm_is_followed_whatever_the_sampling_said(
    store: IntakeDatabase, desk: Desk
) -> None:
    followed = Desk(
        desk.policy, desk.sealer, desk.randomness, lambda trace: (trace or "")[:-1] + "1", desk.pin_of
    )
    asked = [Asked(somebody((*CALM[:8], 1)), TRACE), Asked(somebody(), TRACE)]
    alarmed, calm = await submit(store, followed, *asked)
    assert {one.traceparent for one in await store.said(str(alarmed.case_id))} == {TRACE[:-1] + "1"}
    assert {one.traceparent for one in await store.said(str(calm.case_id))} == {TRACE}


async def test_a_missing_item_nine_is_kept_for_follow_up_and_raises_nothing(
    store: IntakeDatabase, desk: Desk
) -> None:
    [accepted] = await submit(store, desk, Asked(somebody((*CALM[:8], None)), None))
    follow_up = "SELECT follow_up FROM intake.answers WHERE case_id = $1"
    assert await store.admin.fetchval(follow_up, accepted.case_id) is True
    assert [one.type for one in await store.said(str(accepted.case_id))] == ["intake.case_submitted.v1"]


async def test_a_minor_is_held_and_the_alarm_of_a_minor_is_not(store: IntakeDatabase, desk: Desk) -> None:
    [accepted] = await submit(store, desk, Asked(somebody((*CALM[:8], 2), age_band="13-17"), None))
    said = {one.type: one.event for one in await store.said(str(accepted.case_id))}
    assert said["intake.case_submitted.v1"]["gate"] == "waits_for_consent"
    assert "intake.alarm_raised.v1" in said
    async with store.intake.transaction() as tx:
        [view] = await look_up_cases([accepted.case_code], tx)
    assert view is not None
    assert (view.standing.state, view.standing.waiting_on) == ("held", "guardian")


async def test_consent_is_kept_by_purpose_with_its_text_language_and_time(
    store: IntakeDatabase, desk: Desk
) -> None:
    [accepted] = await submit(store, desk, Asked(somebody(), None))
    rows = await store.admin.fetch("SELECT * FROM intake.consents WHERE case_id = $1", accepted.case_id)
    assert {(r["purpose"], r["state"], r["text_version"], r["language"]) for r in rows} == {
        ("care", "given", "2026-01", "en"),
        ("contact", "given", "2026-01", "en"),
    }


async def test_a_code_that_is_taken_is_drawn_again_within_the_batch(
    store: IntakeDatabase, desk: Desk
) -> None:
    draws = iter([b"\x01" * 9, b"\x01" * 18, b"\x02" * 9])
    rigged = Desk(desk.policy, desk.sealer, lambda size: next(draws), desk.keep_trace, desk.pin_of)
    [first] = await submit(store, rigged, Asked(somebody(), None))
    draws = iter([b"\x01" * 9 + b"\x03" * 9, b"\x01" * 9, b"\x02" * 9])
    second, third = await submit(store, rigged, Asked(somebody(), None), Asked(somebody(), None))
    assert (first.case_code[:9], second.case_code[:9], third.case_code[:9]) == ("1" * 9, "2" * 9, "3" * 9)


async def test_two_equal_codes_in_one_batch_become_two(store: IntakeDatabase, desk: Desk) -> None:
    draws = iter([b"\x07" * 18, b"\x08" * 9])
    rigged = Desk(desk.policy, desk.sealer, lambda size: next(draws), desk.keep_trace, desk.pin_of)
    accepted = await submit(store, rigged, Asked(somebody(), None), Asked(somebody(), None))
    assert len({one.case_code for one in accepted}) == 2


async def test_a_fault_in_the_batch_leaves_nothing_half_written(store: IntakeDatabase, desk: Desk) -> None:
    before = await store.rows()

    def no_randomness(size: int) -> bytes:
        raise OSError("no randomness")

    broken = Desk(desk.policy, desk.sealer, no_randomness, desk.keep_trace, desk.pin_of)
    with pytest.raises(OSError, match="no randomness"):
        await submit(store, broken, Asked(somebody(), None))
    assert await store.rows() == before


async def test_intake_can_write_keys_and_cannot_read_one_back(store: IntakeDatabase) -> None:
    async with store.intake.transaction() as tx:
        with pytest.raises(Exception, match="permission denied"):
            await tx.connection.fetch("SELECT wrapped FROM vault.person_keys")


async def test_who_wants_no_messages_has_an_inbox_and_no_key(store: IntakeDatabase, desk: Desk) -> None:
    from dataclasses import replace

    request = somebody(None)
    request = replace(request, contact=replace(CONTACT, channel="inbox", address=None))
    [accepted] = await submit(store, desk, Asked(request, None))
    person: UUID = await store.admin.fetchval(
        "SELECT person_id FROM intake.cases WHERE case_id = $1", accepted.case_id
    )
    assert not await store.admin.fetch("SELECT 1 FROM vault.person_keys WHERE person_id = $1", person)
    [contact] = [one for one in await store.said() if one.key == str(person)]
    assert (contact.event["channels"], contact.event["address"]) == (["inbox"], None)
