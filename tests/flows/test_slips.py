"""A slip of the desk's hand is taken back: the person's own page and the partner's books follow, and nobody is written to."""

import pytest

from tests.flows.visiting import ALL_DAY, Town

pytestmark = pytest.mark.stack


async def test_an_arrival_that_was_said_by_mistake_is_taken_back_everywhere(here: Town) -> None:
    await here.therapist("sd", *ALL_DAY, minimum_notice_minutes=0)
    partner = await here.partner("humqadam-network")
    person = await here.request("03991000011", "sd")
    hour, seen = await here.appointment(person)
    assert len(await here.texts(person, "Your appointment is on")) == 1
    path = hour["links"]["self"]

    staff = here.staff()
    arrived, seen = await here.ask("scheduling", "POST", f"{path}/arrive", staff | {"if-match": seen})
    back, seen = await here.ask("scheduling", "POST", arrived["links"]["undo"], staff | {"if-match": seen})
    assert (back["state"], seen) == ("booked", '"3"')

    told = await partner.hears(hour["therapist_id"], 3)
    assert [(one["type"].split(".")[1], one["data"]["version"], one["data"]["status"]) for one in told] == [
        ("booking_booked", 1, "booked"),
        ("booking_arrived", 2, "arrived"),
        ("booking_booked", 3, "booked"),
    ]
    again, _ = await here.appointment(person)
    assert (again["start"], again["version"]) == (hour["start"], 3)
    assert len(await here.texts(person, "")) == 1
