"""A partner that asks without end is told when to ask again, and costs nobody else an answer."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from deploy.local import secrets
from services.partners.main import serve
from services.partners.settings import Settings
from shared.messaging import Database
from shared.web import create_app
from tests.partners import conftest as partners_tests
from tests.partners.conftest import Client, Entitle, asking

signing = partners_tests.signing
HOSPITAL, NETWORK = "rehmat-hospital", "humqadam-network"
BURST = 3


@pytest.fixture
def strict(partners: Database, signing: Path) -> FastAPI:
    """Few turns, which come back once in an hour."""
    app = create_app("partners")
    public = signing / secrets.TOKEN_PUBLIC_KEY
    serve(app, Settings(token_public_key_file=public, feed_burst=BURST, feed_per_second=1 / 3600), partners)
    return app


async def statuses(client: Client, path: str, times: int) -> list[int]:
    return [(await client.get(path)).status_code for _ in range(times)]


@pytest.mark.parametrize("path", ["/v1/bookings", "/v1/bookings/snapshot"])
async def test_asking_without_end_is_answered_with_when_to_ask_again(
    strict: FastAPI, entitle: Entitle, path: str
) -> None:
    key = await entitle(HOSPITAL)
    async with asking(strict, key.text) as client:
        assert await statuses(client, path, BURST) == [200] * BURST
        refused = await client.get(path)
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.json()["code"], refused.headers["retry-after"]) == ("too_many_requests", "3600")


async def test_others_are_served_meanwhile(strict: FastAPI, entitle: Entitle) -> None:
    ours, others = await entitle(HOSPITAL), await entitle(NETWORK)
    async with asking(strict, ours.text) as client:
        assert await statuses(client, "/v1/bookings", BURST + 1) == [200] * BURST + [429]
    async with asking(strict, others.text) as client:
        assert await statuses(client, "/v1/bookings", BURST) == [200] * BURST


async def test_whoever_shows_no_key_uses_up_nobodys_turns(strict: FastAPI, entitle: Entitle) -> None:
    key = await entitle(HOSPITAL)
    async with asking(strict, key.text[:-1] + "x") as stranger:
        assert await statuses(stranger, "/v1/bookings", 5) == [401] * 5
    async with asking(strict, key.text) as client:
        assert await statuses(client, "/v1/bookings", 1) == [200]
