"""WhatsApp tells what became of messages in its own form: believed by its signature, and never more than once."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
import pytest_asyncio

from services.notifications.api.whatsapp import EXAMPLE, PATH
from services.notifications.gateways.whatsapp import called
from services.notifications.main import serve
from services.notifications.settings import Settings
from shared.web import create_app
from shared.web.signatures import hub_signature
from tests.notifications.facts import Desk
from tests.notifications.outside import OutsideWorld
from tests.notifications.test_receipts import booked, states

OLD, SECRET = b"0123456789abcdef-old", b"0123456789abcdef"
TOKEN = "entered-on-both-sides"
CHALLENGE = {"hub.mode": "subscribe", "hub.verify_token": TOKEN, "hub.challenge": "1158201444"}


@pytest_asyncio.fixture(loop_scope="session")
async def client(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx2.AsyncClient]:
    monkeypatch.setenv("WHATSAPP_URL", "https://graph.example/v1/1")
    monkeypatch.setenv("WHATSAPP_APP_SECRET", f"{OLD.decode()} {SECRET.decode()}")
    monkeypatch.setenv("WHATSAPP_VERIFY_TOKEN", TOKEN)
    async with served(desk) as opened:
        yield opened


def served(desk: Desk) -> httpx2.AsyncClient:
    app = create_app("notifications")
    serve(app, Settings(), desk.database)
    app.state.waits_for = None
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://tests")


def told(*statuses: dict[str, Any], field: str = "messages") -> dict[str, Any]:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": "1"},
        "statuses": list(statuses),
    }
    return {"object": "whatsapp_business_account", "entry": [{"id": "0", "changes": [{"field": field, "value": value}]}]}  # fmt: skip


def status(message: UUID | str, fate: str) -> dict[str, Any]:
    errors = [{"code": 131026, "title": "Message undeliverable"}] if fate == "failed" else []
    return {
        "id": "wamid.1", "status": fate, "timestamp": "1795000000", "recipient_id": "923990000000",
        "biz_opaque_callback_data": str(message), "errors": errors,
    }  # fmt: skip


async def post(
    client: httpx2.AsyncClient, body: Any, *, secret: bytes = SECRET, **headers: str
) -> httpx2.Response:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    signed = {"x-hub-signature-256": hub_signature(secret, raw), "content-type": "application/json"}
    return await client.post(PATH, content=raw, headers=signed | headers)


async def counts(client: httpx2.AsyncClient, body: Any) -> dict[str, int]:
    answer = await post(client, body)
    assert answer.status_code == 200
    return {name: count for name, count in answer.json().items() if count}


async def test_a_handset_that_has_it_is_told_by_whatsapp_and_read_says_no_more(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient
) -> None:
    message = await booked(desk, outside, ("whatsapp", "sms"))
    assert await counts(client, told(status(message, "sent"))) == {}
    assert await counts(client, told(status(message, "delivered"))) == {"delivered": 1}
    assert await counts(client, told(status(message, "read"), status(message, "delivered"))) == {
        "repeated": 2
    }
    assert await states(desk) == [("delivered", "whatsapp", None)]


async def test_read_alone_means_that_it_arrived(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient
) -> None:
    message = await booked(desk, outside, ("whatsapp",))
    assert await counts(client, told(status(message, "read"))) == {"delivered": 1}


async def test_what_cannot_arrive_there_goes_by_the_next_way_allowed(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient
) -> None:
    message = await booked(desk, outside, ("whatsapp", "sms"))
    assert await counts(client, told(status(message, "failed"))) == {"next_channel": 1}
    assert await states(desk) == [("planned", "whatsapp", "undelivered")]


@pytest.mark.parametrize(
    "body",
    [
        told(),
        told(status("not-ours", "delivered")),
        told(status(uuid4(), "played")),
        told({"status": "delivered", "id": "wamid.2"}),
        told(status(uuid4(), "delivered"), field="message_template_status_update"),
        {"entry": []},
        {"entry": [{"changes": [{"field": "messages", "value": {"messages": [{"from": "923990000000"}]}}]}]},
    ],
)
async def test_what_says_nothing_of_our_messages_is_taken_and_left(
    client: httpx2.AsyncClient, body: dict[str, Any]
) -> None:
    assert await counts(client, body) == {}


def answered(words: str, message: str = "wamid.sim1", *, button: bool = False) -> dict[str, Any]:
    said = {"button": {"payload": "x", "text": words}} if button else {"text": {"body": words}}
    answer = {"from": "923990000000", "id": "wamid.9", "context": {"id": message}, **said}
    value = {"messaging_product": "whatsapp", "messages": [answer]}
    return {"object": "x", "entry": [{"id": "0", "changes": [{"field": "messages", "value": value}]}]}


@pytest.mark.parametrize(
    ("words", "button"),
    [("STOP", False), ("stop.", False), ("Stop", True), ("بند کریں۔", False), ("band karo!", False)],
)
async def test_whoever_answers_with_stop_gets_nothing_more_from_that_moment_on(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient, words: str, button: bool
) -> None:
    await booked(desk, outside, ("whatsapp",))
    assert await counts(client, answered(words, button=button)) == {"stopped": 1}
    assert ("reminder", "skipped", "stopped") in await desk.messages("purpose", "state", "reason")
    assert await counts(client, answered(words, button=button)) == {}  # the platform tells it again
    (asked,) = [event for kind, event in await desk.said() if kind == "stop_asked"]
    assert set(asked) == {"case_id", "person_id", "channel", "asked_at"}
    assert asked["channel"] == "whatsapp"


@pytest.mark.parametrize("state", ["sending", "failed"])
async def test_a_stop_counts_although_the_receipt_was_faster_than_our_own_record(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient, state: str
) -> None:
    """`failed`: the sender is gone, and what it had tried was given up as of unknown outcome."""
    message = await booked(desk, outside, ("whatsapp",))
    await desk.pool.execute("UPDATE messages SET state = $2, gateway_id = NULL WHERE id = $1", message, state)
    await post(client, told(status(message, "delivered")))
    assert await counts(client, answered("STOP", "wamid.1")) == {"stopped": 1}
    assert "wamid" not in await desk.pool.fetchval("SELECT gateway_id FROM messages WHERE id = $1", message)


@pytest.mark.parametrize(
    "body",
    [
        answered("please do not stop"),
        answered("stop it there, I am coming at five then, is that right?"),
        answered("ok"),
        answered(""),
        answered("STOP", "wamid.another"),
        {
            "entry": [
                {"changes": [{"field": "messages", "value": {"messages": [{"text": {"body": "STOP"}}]}}]}
            ]
        },
    ],
)
async def test_any_other_answer_stops_nobody_and_is_kept_nowhere(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient, body: dict[str, Any]
) -> None:
    await booked(desk, outside, ("whatsapp",))
    assert await counts(client, body) == {}
    assert ("reminder", "planned", None) in await desk.messages("purpose", "state", "reason")
    assert await desk.pool.fetchval("SELECT count(*) FROM stops") == 0


async def test_the_number_inside_a_messages_id_at_the_platform_is_not_kept(
    desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient
) -> None:
    await booked(desk, outside, ("whatsapp",))
    kept = await desk.pool.fetchval("SELECT gateway_id FROM messages WHERE purpose = 'booked'")
    assert kept == called("wamid.sim1")
    assert "sim" not in kept


async def test_the_example_is_one(client: httpx2.AsyncClient) -> None:
    assert await counts(client, EXAMPLE) == {"unknown": 1}


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/entry", "missing"),
        ({"entry": {}}, "/entry", "tuple_type"),
        ({"entry": [{"changes": [{"field": "messages"}]}]}, "/entry/0/changes/0/value", "missing"),
        (told({"status": 3}), "/statuses/0/status", "string_type"),
        (b"[1", "", "not_json"),
    ],
)
async def test_another_form_is_refused_by_the_field_that_is_wrong(
    client: httpx2.AsyncClient, body: Any, pointer: str, code: str
) -> None:
    answer = await post(client, body)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    if pointer:
        assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


async def test_nobody_else_is_believed(desk: Desk, outside: OutsideWorld, client: httpx2.AsyncClient) -> None:
    message = await booked(desk, outside, ("whatsapp",))
    body = orjson.dumps(told(status(message, "delivered")))
    refused = [
        await post(client, body, secret=b"another"),
        await post(client, body + b" ", **{"x-hub-signature-256": hub_signature(SECRET, body)}),
        await post(
            client, body, **{"x-hub-signature-256": hub_signature(SECRET, body).removeprefix("sha256=")}
        ),
        await client.post(PATH, content=body, headers={"content-type": "application/json"}),
    ]
    assert [one.status_code for one in refused] == [401] * 4
    assert [one.json()["code"] for one in refused] == ["signature_invalid"] * 3 + ["signature_missing"]
    assert await states(desk) == [("sent", "whatsapp", None)]
    assert (await post(client, body, secret=OLD)).status_code == 200


async def test_without_a_secret_and_a_token_nobody_comes_in(desk: Desk) -> None:
    async with served(desk) as client:
        assert (await post(client, told(), secret=b"")).status_code == 401
        assert (await client.get(PATH, params=CHALLENGE | {"hub.verify_token": ""})).status_code == 404


async def test_the_webhook_is_set_up_by_whoever_knows_the_token(client: httpx2.AsyncClient) -> None:
    answer = await client.get(PATH, params=CHALLENGE)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    for change, code in (
        ({"hub.verify_token": "another"}, 404),
        ({"hub.mode": "unsubscribe"}, 404),
        ({"hub.challenge": "<b>"}, 422),
        ({"hub.challenge": ""}, 422),
    ):
        assert (await client.get(PATH, params=CHALLENGE | change)).status_code == code
    assert (await client.get(PATH)).status_code == 422
