"""The duty desk in a browser: who gets in, what the forms do, and that no other site can send them."""

import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio

from services.intake import roles
from services.intake.domain.alarms import Staff
from services.intake.domain.policy import Policy
from services.intake.handlers.rota import Entering, enter_shifts
from services.intake.settings import Settings
from tests.intake.conftest import IntakeDatabase, _app, _client
from tests.intake.test_attending import an_alarm

Token = Callable[..., dict[str, str]]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def pasted(headers: dict[str, str]) -> str:
    return headers["Authorization"].removeprefix("Bearer ")


class Browser:
    """Keeps cookies and fills in the forms of the page it has open, as a browser without scripts does."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client
        self.page = httpx2.Response(200)

    async def open(self, path: str) -> httpx2.Response:
        self.page = await self.client.get(path)
        return self.page

    async def send(self, path: str, fields: dict[str, str], **headers: str) -> httpx2.Response:
        self.page = await self.client.post(path, data=fields, headers=headers, follow_redirects=True)
        return self.page

    async def sign_in(self, token: dict[str, str]) -> httpx2.Response:
        return await self.send("/desk/sign-in", {"token": f"  {pasted(token)}\n"})

    async def submit(self, act: str, **typed: str) -> httpx2.Response:
        """The form of this act on the open page, with its hidden fields."""
        return await self.send("/desk/act", self.hidden(act) | typed)

    def hidden(self, act: str) -> dict[str, str]:
        forms = [
            one for one in re.findall(r"<form.*?</form>", self.page.text, re.S) if f'value="{act}"' in one
        ]
        assert forms, f"no form for {act}"
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', forms[0])
        return {name: unescape(value) for name, value in found}


@pytest_asyncio.fixture(loop_scope="session")
async def browser(store: IntakeDatabase, secrets: Settings, policy: Policy) -> AsyncIterator[Browser]:
    app = _app(policy)
    roles.serve_crisis(app, secrets, policy, store.intake)
    async with _client(app) as client:
        yield Browser(client)


@pytest.fixture
def asma(token: Token) -> dict[str, str]:
    return token("duty_clinician", subject="s-asma", name="Asma <b>")


def at_desk(path: str) -> str:
    return path.replace("/v1/", "/desk/")


async def test_without_a_token_there_is_a_form_and_nothing_else(browser: Browser) -> None:
    for path in ("/desk", f"/desk/alarms/{uuid4()}"):
        page = await browser.open(path)
        assert page.status_code == 401
        assert "Staff token" in page.text
        assert "<table" not in page.text


async def test_a_token_lives_in_a_cookie_that_nobody_else_gets(
    browser: Browser, asma: dict[str, str]
) -> None:
    answer = await browser.client.post("/desk/sign-in", data={"token": pasted(asma)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    cookie = answer.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/desk"))
    seconds = int(re.findall(r"max-age=(\d+)", cookie)[0])
    assert 500 < seconds <= 600
    assert pasted(asma) not in (await browser.open("/desk")).text


async def test_in_production_the_cookie_goes_over_tls_only(
    store: IntakeDatabase, secrets: Settings, policy: Policy, asma: dict[str, str]
) -> None:
    process = secrets.process.model_copy(update={"environment": "production"})
    app = _app(policy)
    roles.serve_crisis(app, secrets.model_copy(update={"process": process}), policy, store.intake)
    async with _client(app) as client:
        answer = await client.post("/desk/sign-in", data={"token": pasted(asma)})
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("role", ["person", "coordinator", "operator"])
async def test_another_role_a_nameless_or_an_old_token_does_not_get_in(
    browser: Browser, token: Token, role: str
) -> None:
    nameless, old = token("duty_clinician"), token("duty_clinician", name="Asma", minutes=-1)
    for wrong, status in ((token(role, name="X"), 403), (nameless, 403), (old, 401)):
        page = await browser.sign_in(wrong)
        assert (page.status_code, "set-cookie" in page.headers) == (status, False)
        assert "Staff token" in page.text
    assert (await browser.send("/desk/sign-in", {"token": "nonsense"})).status_code == 401
    assert (await browser.open("/desk")).status_code == 401


async def test_every_page_is_small_never_stored_and_runs_nothing(
    browser: Browser, people: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, _ = await an_alarm(people, store)
    pages = [await browser.open("/desk"), await browser.sign_in(asma), await browser.open(at_desk(at))]
    for page in pages:
        assert page.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "<title>Desk</title>" in page.text
        assert not re.search(r"<script|onclick|style=|src=|http://|https://", page.text)
        assert "Asma <b>" not in page.text
    assert len(pages[2].content) < 30_000
    assert "Asma &lt;b&gt;" in pages[2].text


async def test_open_alarms_stand_by_when_they_are_due_and_overdue_ones_are_marked(
    browser: Browser, people: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, case_id = await an_alarm(people, store)
    late = "UPDATE intake.alarms SET due_by = now() - interval '70 minutes' WHERE case_id::text = $1"
    await store.admin.execute(late, case_id)
    page = await browser.sign_in(asma)
    rows = [row for row in re.findall(r"<tr.*?</tr>", page.text, re.S) if at_desk(at) in row]
    assert len(rows) == 1
    assert 'class="overdue"' in rows[0]
    assert "1 h 10 min ago" in rows[0]
    assert at.replace("-", "")[-6:].upper() in rows[0]


async def test_an_alarm_is_taken_tried_judged_and_closed_with_plain_forms(
    browser: Browser, people: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, case_id = await an_alarm(people, store)
    await browser.sign_in(asma)
    await browser.open(at_desk(at))
    assert "Close it" not in browser.page.text
    await browser.submit("take")
    await browser.submit("attempt", outcome="no_answer", note="Rang\r\ntwice <i>")
    assert "Rang\ntwice &lt;i&gt;" in browser.page.text
    refused = await browser.submit("level", level="R1", reason=" ")
    assert refused.status_code == 422
    assert "A level is lowered with a reason only." in refused.text
    await browser.submit("level", level="R1", reason="Is with her family.")
    assert "R2 to R1" in browser.page.text
    refused = await browser.submit("close", outcome="reached_and_safe", reason="x")
    assert refused.status_code == 422
    assert ">x</textarea>" in refused.text
    assert "choose" in browser.page.text
    done = await browser.submit("close", outcome="reached_and_safe", reason="Spoke with her.")
    assert done.status_code == 200
    assert "Spoke with her." in done.text
    assert '<form method="post" action="/desk/act"' not in done.text
    said = [one.type.split(".")[1] for one in await store.said(case_id)]
    assert said[-4:] == ["alarm_acknowledged", "alarm_attempted", "alarm_level_changed", "alarm_closed"]


async def test_a_form_that_is_sent_twice_is_one_attempt(
    browser: Browser, people: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, case_id = await an_alarm(people, store)
    await browser.sign_in(asma)
    await browser.open(at_desk(at))
    form = browser.hidden("attempt") | {"outcome": "line_busy", "note": ""}
    for _ in range(2):
        assert (await browser.send("/desk/act", form)).status_code == 200
    said = [one.type for one in await store.said(case_id)]
    assert said.count("intake.alarm_attempted.v1") == 1


async def test_what_somebody_else_did_meanwhile_is_told_and_what_was_typed_is_kept(
    browser: Browser, people: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str], token: Token
) -> None:
    at, _ = await an_alarm(people, store)
    await browser.sign_in(asma)
    await browser.open(at_desk(at))
    before = browser.hidden("take"), browser.hidden("attempt")
    bilal = token("duty_clinician", subject="s-bilal", name="Bilal")
    await browser.client.post(f"{at}/acknowledge", headers=bilal)
    page = await browser.send("/desk/act", before[0])
    assert (page.status_code, "Somebody else has taken this alarm." in page.text) == (409, True)
    assert "Bilal" in page.text
    await browser.client.post(
        f"{at}/close", json={"outcome": "raised_in_error", "reason": "A test."}, headers=bilal
    )
    page = await browser.send("/desk/act", before[1] | {"outcome": "reached", "note": "Spoke."})
    assert (page.status_code, "This alarm is closed." in page.text) == (409, True)


async def test_a_form_of_another_site_does_nothing(
    browser: Browser, people: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, _ = await an_alarm(people, store)
    foreign = await browser.send("/desk/sign-in", {"token": pasted(asma)}, origin="https://elsewhere.example")
    assert (foreign.status_code, "set-cookie" in foreign.headers) == (403, False)
    await browser.sign_in(asma)
    await browser.open(at_desk(at))
    form, before = browser.hidden("take"), await store.rows()
    for fields, headers in (
        (form | {"form": ""}, {}),
        (form | {"form": "0" * 40}, {}),
        ({name: value for name, value in form.items() if name != "form"}, {}),
        (form, {"origin": "https://elsewhere.example"}),
        (form, {"sec-fetch-site": "cross-site"}),
    ):
        assert (await browser.send("/desk/act", fields, **headers)).status_code == 403
    assert (await browser.client.post("/desk/sign-out", data={"form": "x"})).status_code == 403
    assert await store.rows() == before
    assert "Take it" in (await browser.open(at_desk(at))).text


@pytest.mark.parametrize(
    "body", [b"alarm=%FF", b"alarm=a&alarm=b", b"unknown=1", b"\xff", b"&".join([b"act=1"] * 30)]
)
async def test_what_no_form_of_ours_sends_is_refused(
    browser: Browser, asma: dict[str, str], body: bytes
) -> None:
    await browser.sign_in(asma)
    assert (await browser.client.post("/desk/act", content=body, headers=FORM)).status_code == 400
    assert (await browser.client.post("/desk/act", json={})).status_code == 415


async def test_an_alarm_or_an_act_that_does_not_exist_is_told_on_a_page(
    browser: Browser, people: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, _ = await an_alarm(people, store)
    await browser.sign_in(asma)
    form = {**(await _hidden(browser, at_desk(at)))}
    assert (await browser.send("/desk/act", form | {"act": "delete"})).status_code == 400
    assert (await browser.send("/desk/act", form | {"alarm": "x"})).status_code == 400
    assert (await browser.send("/desk/act", form | {"alarm": str(uuid4())})).status_code == 404
    assert (await browser.open(f"/desk/alarms/{uuid4()}")).status_code == 404
    assert (await browser.open("/desk?cursor=nonsense")).status_code == 422


async def _hidden(browser: Browser, path: str) -> dict[str, str]:
    await browser.open(path)
    return browser.hidden("take")


async def test_who_signs_out_is_out(browser: Browser, asma: dict[str, str]) -> None:
    await browser.sign_in(asma)
    mark = re.findall(r'name="form" value="(\w+)"', browser.page.text)[0]
    page = await browser.send("/desk/sign-out", {"form": mark})
    assert page.status_code == 401
    assert "Staff token" in page.text


@pytest_asyncio.fixture(loop_scope="session")
async def on_duty(store: IntakeDatabase) -> AsyncIterator[None]:
    """Bilal is on for the gravest level alone; no rota is left afterwards."""
    now, lead = datetime.now(UTC), Staff("c-nadia", "Nadia")
    bilal = Staff("s-bilal", "Bilal <i>")
    shift = Entering(bilal, now, now + timedelta(hours=1), ("R3",), lead, str(uuid4()), b"")
    async with store.intake.transaction() as tx:
        await enter_shifts([shift], tx)
    yield
    await store.admin.execute("DELETE FROM intake.duty_shifts")


async def test_the_list_tells_that_nobody_knows_who_is_on_without_a_rota(
    browser: Browser, asma: dict[str, str]
) -> None:
    await browser.sign_in(asma)
    assert "no rota has been entered" in browser.page.text


@pytest.mark.usefixtures("on_duty")
async def test_the_list_tells_who_is_on_and_for_which_levels_nobody_is(
    browser: Browser, asma: dict[str, str]
) -> None:
    await browser.sign_in(asma)
    assert "Bilal &lt;i&gt; (R3) until" in browser.page.text
    assert "Nobody is on for R1, R2." in browser.page.text


@pytest.mark.usefixtures("on_duty")
async def test_an_alarm_is_handed_over_on_the_page_to_who_is_on_or_to_somebody_who_is_named(
    people: httpx2.AsyncClient, browser: Browser, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, _ = await an_alarm(people, store)
    await browser.sign_in(asma)
    await browser.open(at_desk(at))
    assert "Hand it over" not in browser.page.text
    await browser.submit("take")
    page = await browser.submit("handover", to="s-bilal", to_id="", to_name="", reason="My shift ends.")
    assert page.status_code == 200
    assert "from Asma &lt;b&gt; to Bilal &lt;i&gt;" in page.text
    assert "Show it" not in page.text  # whoever has it reads how to reach the person, nobody else
    await browser.submit("handover", to="", to_id="s-careem", to_name="Careem", reason="Bilal is ill.")
    assert "from Bilal &lt;i&gt; to Careem" in browser.page.text


@pytest.mark.parametrize(
    "typed", [{"to": ""}, {"to": "s-nobody"}, {"to": "", "to_id": "s-careem", "to_name": ""}]
)
async def test_a_handover_to_nobody_is_told_and_loses_no_word(
    people: httpx2.AsyncClient,
    browser: Browser,
    store: IntakeDatabase,
    asma: dict[str, str],
    typed: dict[str, str],
) -> None:
    at, _ = await an_alarm(people, store)
    await browser.sign_in(asma)
    await browser.open(at_desk(at))
    await browser.submit("take")
    page = await browser.submit("handover", **({"to_id": "", "to_name": ""} | typed), reason="My shift ends.")
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert "My shift ends." in page.text
    assert "from Asma" not in page.text
