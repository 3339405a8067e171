"""API keys: one, and a second one while it is changed over; known to nobody but their holder."""

import logging
import time
from datetime import timedelta
from pathlib import Path
from secrets import token_bytes
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.secrets import TOKEN_KEY
from services.partners.handlers.keys import create_key, holder_of, revoke_key, rotate_key
from shared.messaging import Database
from shared.messaging.desk import Refused
from shared.telemetry.logs import redact
from shared.web import TokenSigner
from shared.web.keys import RANDOM_BYTES, NewKey, is_same, make_key, read_key
from tests.partners.appointments import NOW
from tests.partners.conftest import Entitle, asking, target_of

CLINIC = "sehat-clinic"


def a_key() -> NewKey:
    return make_key(token_bytes(RANDOM_BYTES))


async def rotate(database: Database, **more: Any) -> NewKey:
    key, until = a_key(), (NOW + timedelta(days=7)).isoformat()
    async with database.transaction() as tx:
        await rotate_key({**target_of(key, CLINIC, old_until=until), **more}, "tests", tx)
    return key


async def status(app: FastAPI, key: str) -> tuple[int, str | None]:
    async with asking(app, key) as client:
        answer = await client.get("/v1/bookings")
        return answer.status_code, answer.json().get("code")


ACCEPTED, REFUSED = (200, None), (401, "token_invalid")


async def test_while_a_key_is_rotated_both_are_valid_and_then_the_new_one_alone(
    app: FastAPI, partners: Database, entitle: Entitle, clock: Any
) -> None:
    old = await entitle(CLINIC)
    new = await rotate(partners)
    assert [await status(app, key.text) for key in (old, new)] == [ACCEPTED, ACCEPTED]
    with pytest.raises(Refused, match="two keys"):
        await rotate(partners)
    clock.now = NOW + timedelta(days=7, seconds=1)
    assert [await status(app, key.text) for key in (old, new)] == [REFUSED, ACCEPTED]
    await rotate(partners)


async def test_a_revoked_key_opens_nothing_from_that_moment_on(
    app: FastAPI, partners: Database, entitle: Entitle
) -> None:
    key = await entitle(CLINIC)
    for _ in range(2):
        async with partners.transaction() as tx:
            assert await revoke_key({"key_id": key.key_id}, "tests", tx) == "revoked"
        assert await status(app, key.text) == REFUSED
    async with partners.transaction() as tx:
        with pytest.raises(Refused, match="no such key"):
            await revoke_key({"key_id": "0" * 16}, "tests", tx)
    assert await status(app, (await entitle(CLINIC)).text) == ACCEPTED


async def test_a_second_first_key_is_refused_and_nothing_is_written(
    partners: Database, entitle: Entitle
) -> None:
    await entitle(CLINIC)
    with pytest.raises(Refused, match="rotate it"):
        await entitle(CLINIC)
    with pytest.raises(Refused, match="scopes are"):
        async with partners.transaction() as tx:
            await create_key(target_of(a_key(), "noor-clinic", scopes=["everything"]), "tests", tx)
    with pytest.raises(Refused, match="has no key"):
        await rotate(partners, organisation="noor-clinic")
    assert await partners.pool.fetchval("SELECT count(*) FROM api_keys") == 1
    assert await partners.pool.fetch("SELECT FROM organisations WHERE organisation = 'noor-clinic'") == []


async def test_a_key_is_kept_as_the_digest_of_its_secret_and_is_in_no_log(
    app: FastAPI, partners: Database, entitle: Entitle, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = await entitle(CLINIC)
    assert await status(app, key.text) == ACCEPTED
    assert await status(app, key.text[:-1]) == REFUSED
    row = await partners.pool.fetchrow("SELECT * FROM api_keys")
    secret = key.text.rpartition("_")[2]
    assert secret not in repr(dict(row))
    assert row["used_at"] == NOW
    assert secret[:-1] not in caplog.text
    assert redact(f"refused {key.text} today") == "refused [removed] today"


async def test_a_key_in_steady_use_is_looked_up_and_written_down_once_an_hour(
    partners: Database, entitle: Entitle, clock: Any
) -> None:
    key, asked = await entitle(CLINIC), list[str]()
    for minutes in (0, 1, 59, 60, 61):
        clock.now = NOW + timedelta(minutes=minutes)
        async with partners.statements() as tx:
            with tx.connection.query_logger(lambda record: asked.append(record.query.split()[0])):
                assert await holder_of(key.text, tx)
    assert asked == ["SELECT", "UPDATE", "SELECT", "SELECT", "SELECT", "UPDATE", "SELECT"]
    assert await partners.pool.fetchval("SELECT used_at FROM api_keys") == NOW + timedelta(hours=1)


def changed(text: str) -> str:
    return text[:-1] + ("0" if text[-1] != "0" else "1")


@pytest.mark.parametrize("spoil", [changed, str.upper, lambda t: t + "0", lambda t: t[:-1], lambda t: "hq_", lambda t: f"hq_{'0' * 16}{t[19:]}"])  # fmt: skip
async def test_what_is_almost_a_key_is_none(app: FastAPI, entitle: Entitle, spoil: Any) -> None:
    spoilt = spoil((await entitle(CLINIC)).text)
    assert await status(app, spoilt) == REFUSED
    async with asking(app, spoilt) as client:
        answer = await client.get("/v1/bookings/snapshot")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="token_invalid"'


async def test_a_key_without_the_scope_reads_nothing(
    app: FastAPI, partners: Database, entitle: Entitle
) -> None:
    key = await entitle(CLINIC)
    await partners.pool.execute("UPDATE api_keys SET scopes = '{bookings.write}'")
    assert await status(app, key.text) == (403, "scope_missing")


async def test_a_token_is_no_key_even_for_a_partner(app: FastAPI, signing: Path) -> None:
    signer = TokenSigner(signing / TOKEN_KEY)
    token = signer.sign("x", "partner", {"organisation": CLINIC}, now=time.time())
    assert await status(app, token) == (403, "forbidden")


async def test_without_a_key_nobody_is_told_anything(app: FastAPI) -> None:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://tests") as client:
        for path in ("/v1/bookings", "/v1/bookings/snapshot"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")


@given(st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES))
def test_a_key_is_read_as_it_was_made(randomness: bytes) -> None:
    key = make_key(randomness)
    assert read_key(key.text) == (key.key_id, key.digest)
    assert is_same(key.digest, key.digest)
    assert not is_same(None, bytes(32))


@given(st.text())
def test_no_other_text_is_a_key(text: str) -> None:
    assert read_key(text) is None
