"""A therapist ends a case: through every service, over the real broker, to whoever waits, the partner and a telephone."""

from datetime import datetime

import pytest

from tests.flows.visiting import Town, an_hour_on
from tests.waiting import until

pytestmark = pytest.mark.stack

COUNTED = "SELECT count(*) = 1 FROM matching.cases WHERE holder = $1"
UNTOLD = """
SELECT purpose FROM notifications.messages JOIN intake.cases USING (case_id)
WHERE case_code = $1 AND state = 'skipped'
"""


async def test_whoever_is_discharged_gives_the_hour_to_the_next_one_and_can_come_back(here: Town) -> None:
    start, rule = an_hour_on(3)
    therapist = await here.therapist("hno", rule, horizon_days=7)
    partner = await here.partner("humqadam-network")
    person = await here.request("03991000051", "hno")
    hour, _ = await here.appointment(person)
    await here.texts(person, "Your appointment is on")
    waiting = await here.request("03991000052", "hno")
    await here.stands(waiting, "waitlisted")

    own, path = here.therapist_at(therapist), f"/v1/cases/{person.code}"
    seen = (await here.ask("intake", "GET", path, own))[1]
    closing, why = own | {"if-match": seen}, {"reason": "completed"}
    shown, _ = await here.ask("intake", "POST", f"{path}/close", closing, why)
    assert (shown["state"], shown["reason"]) == ("closed", "completed")

    assert datetime.fromisoformat((await here.appointment(waiting))[0]["start"]) == start
    assert len(await here.texts(person, "is cancelled. You can ask again at any time.")) == 1
    told = await partner.hears(hour["therapist_id"], 2)
    given_back = told[1]["data"]
    assert (given_back["status"], given_back["reason"]) == ("cancelled", "case_closed")
    async with here.looking() as tables:
        await until(lambda: tables.fetchval(COUNTED, therapist), "only who has the hour counts")
        assert [row["purpose"] for row in await tables.fetch(UNTOLD, person.code)] == ["reminder"]
    mine = (await here.ask("intake", "GET", path, person.session))[0]
    assert (mine["state"], mine["next_step"]) == ("closed", "ask_again_any_time")

    earlier = {"case_code": person.code, "pin": person.pin}
    again = await here.request("03991000053", "hno", continues=earlier)
    await here.stands(again, "waitlisted", "booked")
