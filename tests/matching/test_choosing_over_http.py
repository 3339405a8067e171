"""Choosing as a frontend does it: an offer is looked at, accepted or declined, and refused with a reason."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from shared.contracts.intake import TherapistGender
from tests.matching.choosing import offered
from tests.matching.conftest import Office
from tests.matching.examples import LAHORE, NOW


async def test_a_person_sees_what_helps_to_choose_and_no_points_and_no_need(
    frontend: httpx2.AsyncClient, office: Office, session: Any
) -> None:
    await office.know_sites()
    await office.describe(1, modalities=("in_person",), sites=(LAHORE,))
    wish = TherapistGender(wish="woman")
    offer = await offered(office, modalities=("in_person",), therapist_gender=wish, city="Lahore")
    path = f"/v1/matches/{offer['match_id']}"
    answer = await frontend.get(path, headers=session(offer["case_id"]))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    shown = answer.json()
    assert (shown["state"], shown["chosen"]) == ("open", None)
    assert shown["links"] == {"self": path, "accept": f"{path}/accept", "decline": f"{path}/decline"}
    [option] = shown["options"]
    assert (option["organisation"], option["gender"], option["fee"]) == ("humqadam-network", "woman", 1000)
    assert (option["modality"], option["within_km"], option["available"]) == ("in_person", 2, True)
    assert option["why"] == [
        "speaks_your_language", "woman_as_wished", "way_you_wished", "near_you", "within_your_fee",
    ]  # fmt: skip
    for hidden in ("points", "left", "anxiety", "step", "therapist_id"):
        assert hidden not in answer.text


async def test_accepting_over_http_is_one_decision_however_often_it_is_sent(
    frontend: httpx2.AsyncClient, office: Office, session: Any
) -> None:
    await office.describe(1)
    offer = await offered(office)
    path, headers = f"/v1/matches/{offer['match_id']}", session(offer["case_id"])
    chosen = {"option_id": offer["options"][0]["option_id"]}
    first = await frontend.post(f"{path}/accept", json=chosen, headers=headers)
    again = await frontend.post(f"{path}/accept", json=chosen, headers=headers)
    assert (first.status_code, first.json()["state"]) == (200, "accepted")
    assert (again.status_code, again.json()) == (200, first.json())
    other = await frontend.post(f"{path}/accept", json={"option_id": str(uuid4())}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    late = await frontend.post(f"{path}/decline", json={}, headers=session(offer["case_id"]))
    assert (late.status_code, late.json()["code"]) == (409, "already_decided")
    shown = (await frontend.get(path, headers=headers)).json()
    assert (shown["state"], shown["chosen"], list(shown["links"])) == (
        "accepted",
        chosen["option_id"],
        ["self"],
    )
    assert len(await office.made()) == 1


async def test_declining_over_http_brings_another_offer(
    frontend: httpx2.AsyncClient, office: Office, session: Any
) -> None:
    for number in range(1, 5):
        await office.describe(number)
    offer = await offered(office)
    path = f"/v1/matches/{offer['match_id']}/decline"
    answer = await frontend.post(path, json={"reason": "too_expensive"}, headers=session(offer["case_id"]))
    assert (answer.status_code, answer.json()["reason"]) == (200, "too_expensive")
    assert [one["attempt"] for one in await office.said("match_offered")] == [1, 2]


async def test_an_offer_is_nobody_elses_business(
    frontend: httpx2.AsyncClient, office: Office, session: Any
) -> None:
    await office.describe(1)
    offer = await offered(office)
    path = f"/v1/matches/{offer['match_id']}"
    chosen = {"option_id": offer["options"][0]["option_id"]}
    stranger = session(str(uuid4()))
    assert (await frontend.get(path, headers=stranger)).status_code == 404
    assert (await frontend.post(f"{path}/accept", json=chosen, headers=stranger)).status_code == 404
    assert (await frontend.post(f"{path}/decline", json={}, headers=stranger)).status_code == 404
    assert (await frontend.get(f"/v1/matches/{uuid4()}", headers=stranger)).status_code == 404
    assert (await frontend.get(path)).status_code == 401
    for role in ("therapist", "partner", "operator"):
        assert (await frontend.get(path, headers=session(offer["case_id"], role))).status_code == 403
        answer = await frontend.post(f"{path}/accept", json=chosen, headers=session(offer["case_id"], role))
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("action", "body", "key", "status", "pointer"),
    [
        ("accept", {}, True, 422, "/option_id"),
        ("accept", {"option_id": "first"}, True, 422, "/option_id"),
        ("accept", {"option_id": str(UUID(int=1))}, True, 422, "/option_id"),
        ("accept", {"option_id": str(UUID(int=1)), "note": "x"}, True, 422, "/note"),
        ("decline", {"reason": "I do not like them"}, True, 422, "/reason"),
        ("decline", {}, False, 400, "Idempotency-Key"),
        ("accept", {"option_id": str(UUID(int=1))}, False, 400, "Idempotency-Key"),
    ],
)
async def test_what_is_wrong_with_a_decision_is_named_and_nothing_is_decided(
    frontend: httpx2.AsyncClient, office: Office, session: Any, action: str, body: Any, key: bool, status: int, pointer: str
) -> None:  # fmt: skip
    await office.describe(1)
    offer = await offered(office)
    headers = session(offer["case_id"])
    if not key:
        del headers["idempotency-key"]
    answer = await frontend.post(f"/v1/matches/{offer['match_id']}/{action}", json=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert await office.said("match_accepted") == await office.said("match_declined") == []


async def test_whoever_comes_too_late_is_told_so(
    frontend: httpx2.AsyncClient, office: Office, session: Any
) -> None:
    await office.describe(1)
    offer = await offered(office)
    office.now["now"] = NOW + timedelta(hours=73)
    path, headers = f"/v1/matches/{offer['match_id']}", session(offer["case_id"])
    chosen = {"option_id": offer["options"][0]["option_id"]}
    late = await frontend.post(f"{path}/accept", json=chosen, headers=headers)
    assert (late.status_code, late.json()["code"]) == (409, "offer_expired")
    shown = (await frontend.get(path, headers=headers)).json()
    assert (shown["state"], list(shown["links"])) == ("expired", ["self"])


async def test_every_route_describes_itself(frontend: httpx2.AsyncClient) -> None:
    paths = (await frontend.get("/openapi.json")).json()["paths"]
    for action in ("accept", "decline"):
        said = paths[f"/v1/matches/{{match_id}}/{action}"]["post"]
        assert said["requestBody"]["content"]["application/json"]["examples"]
        assert "Idempotency-Key" in [one["name"] for one in said["parameters"]]
