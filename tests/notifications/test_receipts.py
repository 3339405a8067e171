"""A gateway accepted it, and the handset got it: two moments, and no receipt ever takes a message back."""

import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.receipts import Receipt, Sent, fold, weigh
from services.notifications.domain.sending import Contact
from services.notifications.main import serve
from services.notifications.settings import Settings
from shared.contracts.intake import ContactStopped
from shared.web import create_app
from shared.web.signatures import read_secrets, sign
from tests.notifications.facts import NOW, Desk, a_booking, cancelled
from tests.notifications.outside import OutsideWorld
from tests.notifications.senders import sending, settled

OURS, NEXT = f"whsec_{'b3Vyc0' * 6}", f"whsec_{'bmV4d0' * 6}"
SECRET = read_secrets(NEXT)[0]
RANK = {"planned": 0, "sending": 1, "sent": 2, "delivered": 3, "failed": 3, "skipped": 3}


@pytest_asyncio.fixture(loop_scope="session")
async def client(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx2.AsyncClient]:
    """The worker's routes; two secrets are valid, as while one is replaced."""
    (tmp_path / "secret").write_text(f"{OURS}\n{NEXT}\n")
    monkeypatch.setenv("WHATSAPP_URL", "https://graph.example/v1/1")
    app = create_app("notifications")
    serve(app, Settings(receipts_secret_file=tmp_path / "secret"), desk.database)
    app.state.waits_for = None
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://tests") as opened:
        yield opened


async def post(client: httpx2.AsyncClient, body: Any, **headers: str) -> httpx2.Response:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    signed = sign(SECRET, "batch-1", int(time.time()), raw)
    kind = {"Content-Type": "application/json"}
    return await client.post("/v1/receipts", content=raw, headers=signed | kind | headers)


async def tell(client: httpx2.AsyncClient, *receipts: tuple[UUID, str, str]) -> dict[str, int]:
    body = {"receipts": [{"id": str(one), "channel": by, "status": status} for one, by, status in receipts]}
    answer = await post(client, body)
    assert answer.status_code == 200
    return {name: count for name, count in answer.json().items() if count}


async def booked(desk: Desk, outside: OutsideWorld, channels: Sequence[str] = ("sms",)) -> UUID:
    """The id of a message that its gateway has accepted."""
    person = uuid4()
    await desk.tell(outside.a_contact(person, channels=channels), a_booking(person))
    async with sending(desk, outside):
        await settled(desk, "sent")
    return UUID(str(await desk.pool.fetchval("SELECT id FROM messages WHERE purpose = 'booked'")))


async def states(desk: Desk) -> list[tuple[Any, ...]]:
    rows = await desk.pool.fetch("SELECT state, channel, reason FROM messages WHERE purpose = 'booked'")
    return [tuple(row) for row in rows]


async def test_sent_is_said_by_the_gateway_and_delivered_by_the_receipt_once(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient
) -> None:
    message = await booked(desk, outside)
    assert await desk.said_types() == ["message_sent"]
    assert await tell(client, (message, "sms", "delivered")) == {"delivered": 1}
    assert await tell(client, (message, "sms", "delivered")) == {"repeated": 1}
    assert await desk.said_types() == ["message_sent", "message_delivered"]
    assert await states(desk) == [("delivered", "sms", None)]
    steps = [
        row["step"]
        for row in await desk.pool.fetch(
            "SELECT step FROM journey WHERE detail LIKE 'booked by sms%' ORDER BY at"
        )
    ]
    assert sorted(steps) == ["message_delivered", "message_sent"]


async def test_a_handset_that_cannot_be_reached_is_told_by_the_next_channel_allowed(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient
) -> None:
    message = await booked(desk, outside, ("sms", "whatsapp"))
    assert await tell(client, (message, "sms", "failed")) == {"next_channel": 1}
    async with sending(desk, outside):
        await settled(desk, "sent")
    assert len(outside.received("whatsapp")) == 1
    assert await tell(client, (message, "whatsapp", "delivered")) == {"delivered": 1}
    said = [(kind, event.get("last_chance")) for kind, event in await desk.said()]
    assert said == [
        ("message_sent", None),
        ("message_failed", False),
        ("message_sent", None),
        ("message_delivered", None),
    ]


async def test_the_last_channel_that_fails_asks_for_a_human(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient
) -> None:
    message = await booked(desk, outside)
    assert await tell(client, (message, "sms", "failed")) == {"failed": 1}
    assert await states(desk) == [("failed", "sms", "undelivered")]
    (_, _), (_, told), (asked, _) = await desk.said()
    assert (told["last_chance"], asked) == (True, "task_opened")


async def test_a_late_or_repeated_receipt_takes_nothing_back(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient
) -> None:
    message = await booked(desk, outside, ("sms", "whatsapp"))
    await tell(client, (message, "sms", "delivered"))
    for by, status in (("sms", "failed"), ("whatsapp", "failed"), ("whatsapp", "delivered")):
        assert await tell(client, (message, by, status)) == {"late": 1}
    assert await states(desk) == [("delivered", "sms", None)]
    assert await desk.said_types() == ["message_sent", "message_delivered"]


async def test_a_receipt_that_is_faster_than_our_own_record_counts_once(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient
) -> None:
    """As after a crash between sending and recording: the message does not go out again."""
    message = await booked(desk, outside)
    await desk.pool.execute("UPDATE messages SET state = 'sending', tried_by = 'sms' WHERE id = $1", message)
    assert await tell(client, (message, "sms", "delivered")) == {"delivered": 1}
    desk.now += timedelta(minutes=1)
    async with sending(desk, outside):
        await settled(desk, "delivered")
    assert outside.sms.repeated == 0


async def test_what_was_stopped_or_cancelled_goes_by_no_other_channel_after_a_failed_receipt(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient
) -> None:
    stopped, freed = uuid4(), uuid4()
    booking = a_booking(freed)
    await desk.tell(
        outside.a_contact(stopped, "+923990000001", channels=("sms", "whatsapp")),
        outside.a_contact(freed, "+923990000002", channels=("sms", "whatsapp")),
        a_booking(stopped), booking,
    )  # fmt: skip
    async with sending(desk, outside):
        await settled(desk, "sent")
    ids = [row["id"] for row in await desk.pool.fetch("SELECT id FROM messages WHERE purpose = 'booked'")]
    await desk.tell(ContactStopped(person_id=stopped, case_ids=(), stopped_at=NOW), cancelled(booking))
    assert await tell(client, *((one, "sms", "failed") for one in ids)) == {"next_channel": 2}
    async with sending(desk, outside):
        await settled(desk, "sent", "skipped")
    assert outside.received("whatsapp") == []


async def test_what_is_about_no_message_of_ours_is_counted(client: httpx2.AsyncClient) -> None:
    assert await tell(client, (uuid4(), "sms", "delivered"), (uuid4(), "sms", "failed")) == {"unknown": 2}


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"{", 400, None),
        (b"", 400, None),
        ([], 422, "/"),
        ({}, 422, "/receipts"),
        ({"receipts": []}, 422, "/receipts"),
        ({"receipts": [{"id": str(UUID(int=1)), "status": "sent"}]}, 422, "/receipts/0/status"),
        ({"receipts": [{"id": "sim-1", "status": "delivered"}]}, 422, "/receipts/0/id"),
        ({"receipts": [{"id": 7, "status": "delivered"}]}, 422, "/receipts/0/id"),
        ({"receipts": [{"status": "delivered"}]}, 422, "/receipts/0/id"),
        ({"receipts": [{"id": str(UUID(int=1))}]}, 422, "/receipts/0/status"),
        (
            {"receipts": [{"id": str(UUID(int=1)), "status": "delivered", "channel": "email"}]},
            422,
            "/receipts/0/channel",
        ),
        ({"receipts": [{"id": str(UUID(int=1)), "status": "delivered", "to": "x"}]}, 422, "/receipts/0/to"),
        ({"receipts": [{"id": str(UUID(int=1)), "status": "delivered"}] * 501}, 422, "/receipts"),
        ({"receipts": [], "more": 1}, 422, "/more"),
    ],
)
async def test_what_cannot_be_accepted_is_told_field_by_field_and_changes_nothing(
    client: httpx2.AsyncClient, body: Any, status: int, pointer: str | None
) -> None:
    answer = await post(client, body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    pointers = [one["pointer"] for one in answer.json().get("errors", ())]
    assert pointer is None or pointer in pointers


async def test_one_wrong_receipt_stops_the_whole_batch(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient
) -> None:
    message = await booked(desk, outside)
    right = {"id": str(message), "status": "delivered"}
    assert (await post(client, {"receipts": [right, right | {"status": "read"}]})).status_code == 422
    assert await states(desk) == [("sent", "sms", None)]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"webhook-signature": ""}, "signature_missing"),
        ({"webhook-id": ""}, "signature_missing"),
        ({"webhook-timestamp": ""}, "signature_missing"),
        ({"webhook-timestamp": "1"}, "signature_invalid"),
        ({"webhook-timestamp": "٣"}, "signature_invalid"),
        ({"webhook-timestamp": "9" * 30}, "signature_invalid"),
        ({"webhook-id": "another"}, "signature_invalid"),
        ({"webhook-signature": "v1,AAAA"}, "signature_invalid"),
        ({"webhook-signature": "v1a,AAAA"}, "signature_invalid"),
    ],
)
async def test_who_has_not_signed_is_not_let_in(
    client: httpx2.AsyncClient, headers: dict[str, str], code: str
) -> None:
    encoded = {name: value.encode("utf-8") for name, value in headers.items()}
    raw = orjson.dumps({"receipts": [{"id": str(UUID(int=1)), "status": "delivered"}]})
    signed = {name: value.encode() for name, value in sign(SECRET, "batch-1", int(time.time()), raw).items()}
    kind = {"Content-Type": b"application/json"}
    answer = await client.post("/v1/receipts", content=raw, headers=signed | kind | encoded)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (401, code)


async def test_a_body_that_was_changed_or_signed_with_another_secret_or_long_ago_is_refused(
    client: httpx2.AsyncClient,
) -> None:
    raw, kind = orjson.dumps({"receipts": []}), {"Content-Type": "application/json"}
    now = int(time.time())
    for headers in (
        sign(SECRET, "batch-1", now, raw + b" "),
        sign(b"x" * 32, "batch-1", now, raw),
        sign(SECRET, "batch-1", now - 301, raw),
        sign(SECRET, "batch-1", now + 301, raw),
    ):
        assert (await client.post("/v1/receipts", content=raw, headers=headers | kind)).status_code == 401


async def test_without_a_secret_nobody_comes_in(desk: Desk) -> None:
    app = create_app("notifications")
    serve(app, Settings(), desk.database)
    app.state.waits_for = None
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://tests") as client:
        assert (await post(client, {"receipts": []})).status_code == 401


@pytest.mark.parametrize("text", ["whsec_AAAA", "whsec_!!", "whsec_" + "QUFB" * 30])
def test_a_secret_that_is_too_short_or_too_long_stops_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_text(text)
    with pytest.raises(ValueError, match=r"24 to 64 bytes|base64"):
        Settings(receipts_secret_file=tmp_path / "secret").receipts_secrets()


ways = st.sampled_from(["sms", "whatsapp"])
standing = st.builds(
    Sent,
    st.sampled_from(sorted(RANK)),
    st.none() | ways,
    st.lists(ways, max_size=2, unique=True),
    st.none()
    | st.builds(
        lambda channels: Contact(channels, (), "", None, False), st.lists(ways, max_size=2, unique=True)
    ),
)


@given(standing, ways, st.sampled_from(["delivered", "failed"]))
def test_no_receipt_ever_takes_a_message_back_but_to_a_channel_not_yet_tried(
    message: Any, by: Any, fate: Any
) -> None:
    verdict = weigh(message, Receipt(uuid4(), by, fate))
    if verdict in ("delivered", "failed"):
        assert RANK[verdict] > RANK[message.state]
    if verdict == "next_channel":
        assert message.state in ("sending", "sent")
        assert by == message.channel
        assert set(message.contact.channels) - {*message.given_up, by}


@given(st.permutations(["delivered", "failed", "delivered"]))
def test_of_several_receipts_in_one_batch_the_arrival_counts(order: list[Any]) -> None:
    one = uuid4()
    assert fold([Receipt(one, "sms", fate) for fate in order])[one].fate == "delivered"
