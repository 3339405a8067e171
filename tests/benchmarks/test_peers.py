"""Every peer is given the same world, and its figures are those of the people who were told."""

import orjson

from benchmarks import world
from benchmarks.peers import figures
from services.intake.api.requests import CaseSent


def test_the_world_is_the_same_for_a_seed_and_has_nobody_twice() -> None:
    some = world.askers(1, 40)
    assert world.askers(1, 15, start=25) == some[25:]
    assert len({one.number for one in some}) == 40
    addresses = [one.address for one in some if one.address]
    assert len(set(addresses)) == len(addresses)
    assert len(world.care(1).therapists) == world.THERAPISTS


def test_everybody_in_it_is_an_adult_who_is_booked_and_told_without_anybody_else() -> None:
    for one in world.askers(2, 40):
        body = CaseSent.model_validate_json(orjson.dumps(one.body))
        assert body.age_band != "13-17"
        assert (body.kind, body.booking_mode, body.attendees) == ("individual", "auto", ())
        assert body.contact.channel in ("sms", "email", "inbox")
        assert (one.address is None) == (body.contact.channel == "inbox")


def test_a_turn_counts_from_the_first_post_to_the_last_news_and_spreads_the_cost_over_those_told() -> None:
    posted = {number: 100.0 + number for number in range(4)}
    told = {0: 101.0, 1: 102.0, 2: 105.0}
    row = figures.row(posted, told, {"postgres": 0.3})
    assert (row["people"], row["journeys"], row["seconds"]) == (4, 3, 5.0)
    assert (row["journeys_per_second"], row["p50_s"], row["p99_s"]) == (0.6, 1.0, 3.0)
    assert row["cpu_ms"] == {"postgres": 100.0}


def test_a_turn_in_which_nobody_was_told_is_no_error_and_never_the_best() -> None:
    none = figures.row({1: 100.0}, {}, {"postgres": 1.0})
    some = figures.row({1: 100.0}, {1: 100.5}, {})
    named = [{"peer": "x", "concurrency": place} | row for place, row in enumerate((none, some))]
    assert figures.best(named)["concurrency"] == 1
    assert "0 of 1 told" in figures.line(named[0])
    assert "2.0 journeys/s" in figures.line(named[1])
