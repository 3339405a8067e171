"""The sender against the real gateways and a real vault's answers: once, in words that tell nobody else."""

import os
from datetime import timedelta
from uuid import uuid4

import pytest

from deploy.local.ports import free_port
from services.notifications.domain.sending import MAX_TRIES
from services.notifications.domain.sms import count_parts
from shared.contracts.intake import ContactStopped, WeeklyWindow
from tests.notifications.facts import NOW, TRACE, Desk, a_booking, a_contact, a_site, cancelled
from tests.notifications.outside import OutsideWorld
from tests.notifications.senders import seen, sending, settled
from tests.waiting import until


async def test_a_booking_is_told_once_by_sms_in_the_trace_of_its_request(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    booking = a_booking(person)
    await desk.tell(outside.a_contact(person), booking)
    async with sending(desk, outside):
        await settled(desk, "sent")
    [sms] = outside.received("sms")
    assert sms["to"] == "+923991234567"
    assert sms["text"] == "Your appointment is on Fri 8 Jan at 1:00 pm, online, by video."
    kinds = [(kind, event["purpose"]) for kind, event in await desk.said()]
    assert kinds == [("message_sent", "booked")]
    told = dict(await desk.said())["message_sent"]
    assert (told["channel"], told["language"], told["template"], told["parts"]) == ("sms", "en", "booked", 1)
    assert {row["traceparent"] for row in await desk.pool.fetch("SELECT traceparent FROM outbox")} == {TRACE}


async def test_nobody_reads_a_number_or_a_text_in_what_is_said_or_kept(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person), a_booking(person))
    async with sending(desk, outside):
        await settled(desk, "sent")
    tables = [
        row["tablename"]
        for row in await desk.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'notifications'")
    ]
    for table in tables:
        kept = str([tuple(row) for row in await desk.pool.fetch(f"SELECT * FROM {table}")])
        assert "399123" not in kept
        assert "Your appointment" not in kept


async def test_mail_and_inbox_go_their_own_ways(desk: Desk, outside: OutsideWorld) -> None:
    by_mail, by_page = uuid4(), uuid4()
    await desk.tell(
        outside.a_contact(by_mail, "somebody@example.org", channels=("email",), language="ur"),
        a_contact(by_page, channels=("inbox",), address=None),
        a_booking(by_mail),
        a_booking(by_page),
    )
    async with sending(desk, outside):
        await settled(desk, "sent", "delivered")
    [mail] = outside.received("mail")
    assert (mail["to"], mail["subject"]) == ("somebody@example.org", "Aap ki mulaqat")
    assert mail["text"] == "Aap ki mulaqat Juma 8 January, dopahar 1:00 baje tay hai, online, video par."
    [message_id] = await desk.pool.fetch("SELECT id FROM messages WHERE channel = 'email'")
    assert mail["id"] == str(message_id["id"])
    assert outside.received("sms") == []


async def test_whoever_reads_urdu_letters_is_written_to_in_them_and_every_part_is_counted(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person, language="ur", script="Arab"), a_booking(person))
    async with sending(desk, outside):
        await settled(desk, "sent")
    [sms] = outside.received("sms")
    assert "\u2068دوپہر 1:00 بجے\u2069" in sms["text"]
    [(_, told)] = await desk.said()
    assert (told["language"], told["parts"]) == ("ur", count_parts(sms["text"]))
    assert told["parts"] == 2


async def test_a_place_is_named_in_neutral_words_only(desk: Desk, outside: OutsideWorld) -> None:
    told, hidden = uuid4(), uuid4()
    plain, telling = uuid4(), uuid4()
    await desk.tell(
        outside.a_contact(told, "+923990000001"),
        outside.a_contact(hidden, "+923990000002"),
        a_site(plain),
        a_site(telling, {"en": "Psychiatry ward, third floor"}),
        a_booking(told, modality="in_person", lane="in_person", site_id=plain),
        a_booking(hidden, modality="in_person", lane="in_person", site_id=telling),
    )
    async with sending(desk, outside):
        await settled(desk, "sent")
    texts = {sms["to"]: sms["text"] for sms in outside.received("sms")}
    assert texts["+923990000001"].endswith("1:00 pm, 12 Mall Road, second floor.")
    assert texts["+923990000002"].endswith("1:00 pm, in Lahore.")


@pytest.mark.parametrize("reason", ["stopped", "erased"])
async def test_the_vault_is_the_last_gate(desk: Desk, outside: OutsideWorld, reason: str) -> None:
    refused, allowed = uuid4(), uuid4()
    await desk.tell(
        outside.a_contact(refused, "+923990000001"), outside.a_contact(allowed, "+923990000002"),
        a_booking(refused), a_booking(allowed),
    )  # fmt: skip
    outside.refused[refused] = reason
    async with sending(desk, outside):
        rows = await settled(desk, "sent", "skipped")
    assert sorted(rows, key=str) == [("booked", "sent", None), ("booked", "skipped", reason)]
    assert [sms["to"] for sms in outside.received("sms")] == ["+923990000002"]
    assert outside.vault_calls == 1


async def test_while_the_vault_is_away_messages_wait_and_do_not_fail(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person), a_booking(person))
    outside.vault_status = 503
    async with sending(desk, outside, vault_retry_seconds=0.05):

        def asked_often() -> bool:
            desk.now += timedelta(seconds=1)
            return outside.vault_calls > MAX_TRIES

        await until(asked_often, "more questions than a message has tries")
        await seen(desk, "state reason tries", "planned", "vault_away", 0)
        outside.vault_status = 200
        desk.now += timedelta(minutes=1)
        await settled(desk, "sent")
    assert len(outside.received("sms")) == 1


async def test_a_stop_that_comes_while_the_vault_is_away_holds(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person), a_booking(person))
    async with sending(desk, outside, token="of somebody else", vault_retry_seconds=3600):
        await seen(desk, "state reason", "planned", "vault_away")
        await desk.tell(ContactStopped(person_id=person, case_ids=(), stopped_at=NOW))
    assert set(await desk.messages("state", "reason")) == {("skipped", "stopped")}
    assert outside.received("sms") == []


async def test_a_real_address_is_refused_before_it_leaves(desk: Desk, outside: OutsideWorld) -> None:
    one, two = uuid4(), uuid4()
    await desk.tell(
        outside.a_contact(one, "+923001234567"), outside.a_contact(two, "somebody@gmail.com", channels=("email",)),
        a_booking(one), a_booking(two),
    )  # fmt: skip
    async with sending(desk, outside):
        rows = await settled(desk, "failed")
    assert rows == [("booked", "failed", "address_not_reserved")] * 2
    assert outside.received("sms") == outside.received("mail") == []
    assert [event["last_chance"] for kind, event in await desk.said() if kind == "message_failed"] == [
        True,
        True,
    ]


async def test_an_address_that_cannot_be_opened_does_not_hold_up_the_others(
    desk: Desk, outside: OutsideWorld
) -> None:
    broken, fine = uuid4(), uuid4()
    outside.keys[broken] = os.urandom(32)
    await desk.tell(a_contact(broken), outside.a_contact(fine), a_booking(broken), a_booking(fine))
    async with sending(desk, outside):
        await seen(desk, "state reason", "planned", "address_unreadable")
        await seen(desk, "state reason", "sent", None)


async def test_a_message_waits_for_the_address_that_its_key_was_made_for(
    desk: Desk, outside: OutsideWorld
) -> None:
    """Who changes how they are reached has a new key at once, and we hear of the new address a moment later."""
    person = uuid4()
    await desk.tell(outside.a_contact(person), a_booking(person))
    outside.keys[person] = os.urandom(32)
    changed = outside.a_contact(person, "+923990000077", changed_at=NOW + timedelta(seconds=1))
    async with sending(desk, outside):
        await seen(desk, "state reason tries", "planned", "address_unreadable", 1)
        await desk.tell(changed)
        await settled(desk, "sent")
    assert [one["to"] for one in outside.received("sms")] == ["+923990000077"]


async def test_an_address_that_stays_unreadable_asks_for_a_human(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    outside.keys[person] = os.urandom(32)
    await desk.tell(a_contact(person), a_booking(person))
    async with sending(desk, outside):
        for tries in range(1, MAX_TRIES):
            await seen(desk, "state tries", "planned", tries)
            desk.now += timedelta(minutes=20)
        assert await settled(desk, "failed") == [("booked", "failed", "address_unreadable")]
    [failed] = [event for kind, event in await desk.said() if kind == "message_failed"]
    assert failed["last_chance"]


@pytest.mark.parametrize("status", [503, 429, 500])
async def test_a_gateway_that_is_away_for_a_while_gets_it_later_once(
    desk: Desk, outside: OutsideWorld, status: int
) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person), a_booking(person))
    outside.sms_status = status
    async with sending(desk, outside):
        await seen(desk, "tries", 1)
        outside.sms_status = 200
        desk.now += timedelta(minutes=1)
        await settled(desk, "sent")
    assert len(outside.received("sms")) == 1


async def test_a_gateway_that_stays_away_asks_for_a_human(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person), a_booking(person))
    async with sending(desk, outside, urls={"sms": f"http://127.0.0.1:{free_port()}"}):
        for tries in range(1, MAX_TRIES):
            await seen(desk, "state tries", "planned", tries)
            desk.now += timedelta(minutes=20)
        await seen(desk, "state", "failed")
    assert [
        (event["reason"], event["last_chance"])
        for kind, event in await desk.said()
        if kind == "message_failed"
    ] == [("gateway_away", True)]


REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '53100'; END $$;
CREATE CONSTRAINT TRIGGER refused AFTER UPDATE ON messages DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse();
"""


async def test_what_was_claimed_in_vain_is_not_sent(desk: Desk, outside: OutsideWorld) -> None:
    """A claim that could not be committed is nobody's: its receipt would be about a message that was never sent."""
    person = uuid4()
    await desk.tell(outside.a_contact(person), a_booking(person))
    await desk.pool.execute(REFUSE)
    async with sending(desk, outside) as sender:
        await until(lambda: sender.ready() == "database", "a claim that was refused")
        assert sender.metrics()["messages_claimed_total"] == 0
        await desk.pool.execute("DROP TRIGGER refused ON messages")
        await settled(desk, "sent")
        assert sender.metrics()["messages_attempts_total"] == 1
    assert len(outside.received("sms")) == 1


async def test_an_sms_sent_before_a_crash_is_not_received_twice(desk: Desk, outside: OutsideWorld) -> None:
    """A crash between sending and recording: the claim's lease ends and the same id goes out again."""
    person = uuid4()
    await desk.tell(outside.a_contact(person), a_booking(person))
    async with sending(desk, outside):
        await settled(desk, "sent")
    await desk.pool.execute(
        "UPDATE messages SET state = 'sending', tried_by = 'sms', settled_at = NULL WHERE channel = 'sms'"
    )
    desk.now += timedelta(minutes=1)
    async with sending(desk, outside):
        await settled(desk, "sent")
    assert len(outside.received("sms")) == 1
    assert outside.sms.repeated == 1


async def test_a_mail_that_may_have_left_before_a_crash_is_recorded_as_unknown(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person, "a@example.org", channels=("email",)), a_booking(person))
    await desk.pool.execute(
        "UPDATE messages SET state = 'sending', tried_by = 'email' WHERE purpose = 'booked'"
    )
    async with sending(desk, outside):
        rows = await settled(desk, "failed")
    assert rows == [("booked", "failed", "outcome_unknown")]
    assert outside.received("mail") == []


async def test_what_was_cancelled_while_its_outcome_was_unknown_is_not_sent_again(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    booking = a_booking(person)
    await desk.tell(outside.a_contact(person), booking)
    await desk.pool.execute(
        "UPDATE messages SET state = 'sending', tried_by = 'sms' WHERE purpose = 'booked'"
    )
    await desk.tell(cancelled(booking))
    async with sending(desk, outside):
        rows = await settled(desk, "failed", "sent")
    assert sorted(rows) == [("booked", "failed", "outcome_unknown"), ("cancelled", "sent", None)]


async def test_hundreds_go_in_few_calls_and_each_once_with_two_senders(
    desk: Desk, outside: OutsideWorld
) -> None:
    people = [uuid4() for _ in range(450)]
    for number, person in enumerate(people):
        await desk.tell(outside.a_contact(person, f"+92399{number:07}"), a_booking(person))
    async with sending(desk, outside), sending(desk, outside):
        await settled(desk, "sent")
    assert len({sms["to"] for sms in outside.received("sms")}) == len(outside.received("sms")) == 450
    assert outside.sms.repeated == 0
    assert outside.sms.calls <= 12


async def test_outside_the_safe_window_a_message_waits_for_it(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    evening = tuple(WeeklyWindow(day=day, start=18 * 60, end=19 * 60) for day in range(1, 8))
    await desk.tell(outside.a_contact(person, safe_windows=evening), a_booking(person))
    async with sending(desk, outside):
        await seen(desk, "state reason", "planned", "safe_window")
        assert outside.received("sms") == []
        desk.now = NOW + timedelta(hours=5)
        await settled(desk, "sent")
    assert len(outside.received("sms")) == 1


@pytest.mark.parametrize("way", ["Main gate, then ask at the desk.", "Main gate, then ask at the desk"])
async def test_a_way_that_ends_with_a_full_stop_is_told_with_one(
    desk: Desk, outside: OutsideWorld, way: str
) -> None:
    person, site = uuid4(), uuid4()
    booking = a_booking(person, site_id=site, modality="in_person", lane="in_person", room_id=uuid4())
    await desk.tell(outside.a_contact(person), a_site(site, {"en": way}), booking)
    async with sending(desk, outside):
        await settled(desk, "sent")
    [sms] = outside.received("sms")
    assert sms["text"] == "Your appointment is on Fri 8 Jan at 1:00 pm, Main gate, then ask at the desk."
