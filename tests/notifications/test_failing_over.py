"""From one channel to the next one that the person allowed, to no other, and each try is written down."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import aiohttp
import orjson
import pytest
from aiohttp import web

from services.notifications.domain.outcomes import Accepted, NotTaken, Outcome, Rejected, Unclear
from services.notifications.domain.receipts import Receipt
from services.notifications.domain.sending import MAX_TRIES
from services.notifications.gateways.outgoing import Outgoing
from services.notifications.gateways.whatsapp import WhatsAppGateway
from services.notifications.handlers.receiving import take_receipts
from services.notifications.settings import SenderSettings
from services.notifications.templates import load_reserved
from shared.contracts.intake import ContactStopped
from tests.notifications.facts import NOW, Desk, a_booking, cancelled
from tests.notifications.outside import OutsideWorld
from tests.notifications.senders import seen, sending, settled


async def tries(desk: Desk) -> list[tuple[int, str, str]]:
    rows = await desk.pool.fetch("SELECT number, channel, reason FROM failed_tries ORDER BY number")
    return [tuple(row) for row in rows]


async def failures(desk: Desk) -> list[tuple[str, str, bool]]:
    return [
        (told["channel"], told["reason"], told["last_chance"])
        for kind, told in await desk.said()
        if kind == "message_failed"
    ]


async def test_whatsapp_carries_the_values_of_an_approved_template_and_nothing_else(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person, channels=("whatsapp", "sms")), a_booking(person))
    async with sending(desk, outside):
        await settled(desk, "sent")
    [told] = outside.received("whatsapp")
    assert (told["to"], told["language"]) == ("+923991234567", "en")
    assert told["text"] == "booked | Fri 8 Jan | 1:00 pm | online, by video"
    assert outside.received("sms") == []
    assert await tries(desk) == []


async def test_a_channel_that_refuses_gives_way_to_the_next_one_the_person_allowed(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person, channels=("whatsapp", "sms")), a_booking(person))
    outside.whatsapp_status = 400
    async with sending(desk, outside):
        await settled(desk, "sent")
    assert len(outside.received("sms")) == 1
    assert await tries(desk) == [(1, "whatsapp", "whatsapp_rejected")]
    assert await failures(desk) == [("whatsapp", "whatsapp_rejected", False)]
    assert ("message_tried", "booked by whatsapp: whatsapp_rejected") in [
        tuple(row) for row in await desk.pool.fetch("SELECT step, detail FROM journey")
    ]


async def test_no_channel_is_taken_that_the_person_did_not_allow(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person, channels=("whatsapp",)), a_booking(person))
    outside.whatsapp_status = 400
    async with sending(desk, outside):
        await settled(desk, "failed")
    assert outside.received("sms") == outside.received("mail") == []
    assert await failures(desk) == [("whatsapp", "whatsapp_rejected", True)]


async def test_the_own_page_is_the_last_way_where_it_was_allowed(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    real = outside.a_contact(person, "+923001234567", channels=("sms", "whatsapp", "inbox"))
    await desk.tell(real, a_booking(person))
    async with sending(desk, outside):
        await settled(desk, "delivered")
    assert await tries(desk) == [(1, "sms", "address_not_reserved"), (2, "whatsapp", "address_not_reserved")]
    assert outside.received("sms") == outside.received("whatsapp") == []
    assert (await desk.messages("channel", "given_up"))[0] == ("inbox", ["sms", "whatsapp"])


async def test_a_gateway_that_is_away_is_tried_for_an_hour_before_the_next_way(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person, channels=("sms", "whatsapp")), a_booking(person))
    outside.sms_status = 503
    async with sending(desk, outside):
        for number in range(1, MAX_TRIES):
            await seen(desk, "state tries", "planned", number)
            desk.now += timedelta(minutes=20)
        await settled(desk, "sent")
    assert len(outside.received("whatsapp")) == 1
    assert await tries(desk) == [(number, "sms", "gateway_busy") for number in range(1, MAX_TRIES + 1)]


async def test_where_whatsapp_is_not_set_up_the_next_channel_is_taken(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person, channels=("whatsapp", "sms")), a_booking(person))
    async with sending(desk, outside, without=["whatsapp"]):
        await settled(desk, "sent")
    assert len(outside.received("sms")) == 1


async def test_a_stop_or_a_cancellation_between_two_channels_holds(desk: Desk, outside: OutsideWorld) -> None:
    stopped, freed = uuid4(), uuid4()
    booking = a_booking(freed)
    await desk.tell(
        outside.a_contact(stopped, "+923990000001", channels=("sms", "whatsapp")),
        outside.a_contact(freed, "+923990000002", channels=("sms", "whatsapp")),
        a_booking(stopped),
        booking,
    )
    outside.sms_status = 503
    async with sending(desk, outside):
        await seen(desk, "state tries", "planned", 1)
    await desk.tell(ContactStopped(person_id=stopped, case_ids=(), stopped_at=NOW), cancelled(booking))
    outside.sms_status = 200
    desk.now += timedelta(hours=1)
    async with sending(desk, outside):
        await settled(desk, "sent", "skipped")
    assert [sms["to"] for sms in outside.received("sms")] == ["+923990000002"]
    assert "is cancelled" in outside.received("sms")[0]["text"]


async def test_a_whatsapp_call_without_an_answer_is_never_repeated_by_any_way(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person, channels=("whatsapp", "sms", "inbox")), a_booking(person))
    outside.whatsapp_status = 500
    async with sending(desk, outside):
        rows = await settled(desk, "failed")
    assert rows == [("booked", "failed", "outcome_unknown")]
    assert outside.received("sms") == []
    assert await failures(desk) == [("whatsapp", "outcome_unknown", True)]


async def unclear_then_busy(desk: Desk, outside: OutsideWorld, tries: int) -> None:
    """The gateway does not say whether it took the first one, and certainly takes none of the next ones."""
    person = uuid4()
    await desk.tell(outside.a_contact(person, channels=("sms", "whatsapp")), a_booking(person))
    for number in range(1, tries + 1):
        outside.sms_status = 500 if number == 1 else 503
        async with sending(desk, outside):
            await seen(desk, "purpose tries", "booked", number)
        desk.now += timedelta(minutes=20)


async def test_an_sms_that_may_have_arrived_goes_by_no_other_way_although_its_gateway_is_busy_since(
    desk: Desk, outside: OutsideWorld
) -> None:
    await unclear_then_busy(desk, outside, MAX_TRIES - 1)
    async with sending(desk, outside):
        await settled(desk, "failed", "sent")
    assert outside.received("whatsapp") == []
    assert await failures(desk) == [("sms", "gateway_busy", True)]


@pytest.mark.parametrize("since", ["busy", "vault away"])
async def test_the_receipt_of_an_sms_that_may_have_arrived_counts_whatever_came_between(
    desk: Desk, outside: OutsideWorld, since: str
) -> None:
    await unclear_then_busy(desk, outside, 2 if since == "busy" else 1)
    if since == "vault away":
        outside.vault_status = 503
        async with sending(desk, outside):
            await seen(desk, "purpose reason", "booked", "vault_away")
    message = await desk.pool.fetchval("SELECT id FROM messages WHERE purpose = 'booked'")
    async with desk.database.transaction() as tx:
        counts = await take_receipts(tx, [Receipt(message, "sms", "delivered")], ["sms", "whatsapp"])
    assert counts["delivered"] == 1


async def send_one(outside: OutsideWorld, to: str, token: str = "token", language: str = "en") -> Outcome:
    message = Outgoing(uuid4(), to, "", "", language, "booked", ("Fri 8 Jan", "1:00 pm", "online"))
    async with aiohttp.ClientSession() as session:
        url = f"{outside.url}/whatsapp/v1/1"
        [outcome] = (await WhatsAppGateway(session, url, token, load_reserved()).send([message])).values()
    return outcome


@pytest.mark.parametrize("to", ["+923001234567", "+13991234567", "923991234567", "somebody@example.org", ""])
async def test_a_number_that_is_not_reserved_is_refused_before_it_leaves(
    outside: OutsideWorld, to: str
) -> None:
    assert isinstance(await send_one(outside, to), Rejected)
    assert outside.received("whatsapp") == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, NotTaken),
        (404, NotTaken),
        (429, NotTaken),
        (503, NotTaken),
        (400, Rejected),
        (500, Unclear),
        (200, Accepted),
    ],
)
async def test_each_answer_of_the_platform_means_one_outcome(
    outside: OutsideWorld, status: int, kind: type[Outcome]
) -> None:
    outside.whatsapp_status = status
    assert isinstance(await send_one(outside, "+923991234567"), kind)


async def test_nothing_that_was_looked_at_for_the_last_time_waits_for_a_slow_platform(
    outside: OutsideWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stops every message meanwhile would get it after that: all that is handed over at once leaves at once."""
    limits = SenderSettings()
    calls, left, slow = 0, asyncio.Event(), outside.whatsapp.take

    async def take(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        if calls == limits.mail_chunk * limits.mail_connections:
            left.set()
        await asyncio.wait_for(left.wait(), 2)
        return await slow(request)

    monkeypatch.setattr(outside.whatsapp, "take", take)
    async with aiohttp.ClientSession() as session:
        gateway = WhatsAppGateway(session, f"{outside.url}/whatsapp/v1/1", "token", load_reserved())
        chunks = [[_a_message() for _ in range(limits.mail_chunk)] for _ in range(limits.mail_connections)]
        told = await asyncio.gather(*(gateway.send(chunk) for chunk in chunks))
    assert {type(outcome) for answers in told for outcome in answers.values()} == {Accepted}


def _a_message() -> Outgoing:
    return Outgoing(uuid4(), "+923991234567", "", "", "en", "booked", ())


async def test_a_language_in_another_script_is_a_template_of_its_own(outside: OutsideWorld) -> None:
    await send_one(outside, "+923991234567", language="ur-Latn")
    [told] = outside.received("whatsapp")
    assert told["text"].startswith("booked_latn | ")
    assert told["language"] == "ur"


@pytest.mark.parametrize(
    "change", [{"type": "image"}, {"messaging_product": "sms"}, {"template": None}, {"to": "923001234567"}]
)
async def test_the_simulated_platform_takes_templates_to_synthetic_numbers_alone(
    outside: OutsideWorld, change: dict[str, object]
) -> None:
    body: dict[str, object] = {
        "messaging_product": "whatsapp", "to": "923991234567", "type": "template", "biz_opaque_callback_data": "1",
        "template": {"name": "booked", "language": {"code": "en"}, "components": []},
    }  # fmt: skip
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer token"}) as session:
        url = f"{outside.url}/whatsapp/v1/1/messages"
        async with session.post(url, data=orjson.dumps(body | change)) as answer:
            assert answer.status == 400
        async with session.post(url, data=orjson.dumps(body)) as answer:
            assert answer.status == 200
