"""What is measured bare is what we do: our statement, our rows, our bodies, messages as long as ours."""

from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks import ceilings, machine
from benchmarks.bare import copying, inserts, web
from services.scheduling.domain.booking import reservations
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import AppointmentBooked


def a_turn(rate: float) -> dict[str, list[dict[str, Any]]]:
    return {
        "web": [{"requests_per_second": rate, "us": {"server": 200.0, "client": 20.0}, "busy": {"server": 1.0, "client": 0.1}}],
        "inserts": [{"a_batch": 10, "rows_a_booking": 2.25, "bookings_per_second": rate, "us": {"postgres": 90.0, "pgbench": 5.0}}],
        "copying": [{"a_round": 50, "messages_per_second": rate, "us": {"python": 20.0, "kafka": 10.0}}],
    }  # fmt: skip


def test_the_statement_is_scheduling_s_own_with_arrays_from_the_table_beside() -> None:
    said = inserts.statement()
    assert "$" not in said
    assert said.count("INSERT INTO reservations") == said.count("WHERE batch = :place") == 1
    assert all(f"{column}::" in said for column in inserts.COLUMNS)
    assert "ON CONFLICT DO NOTHING;" in said


def test_bookings_never_meet_and_reserve_what_scheduling_would() -> None:
    rows = [reservations(hour) for hour in islice(inserts.bookings(), 3200)]
    assert {len(some) for some in rows} == {2, 3}  # whoever comes in person needs a room
    spans: dict[object, list[tuple[int, int]]] = {}
    for one in (one for some in rows for one in some):
        spans.setdefault(one.resource_id, []).append((one.start, one.end))
    for taken in map(sorted, spans.values()):
        assert all(end <= start for (_, end), (start, _) in pairwise(taken))


def test_messages_are_as_long_as_ours() -> None:
    assert all(1000 < copying.length(copying.example(one)) < 1300 for one in (MatchMade, AppointmentBooked))


@pytest.mark.processes
async def test_plain_fastapi_takes_whatever_the_fixed_world_asks(tmp_path: Path) -> None:
    found = await web.measure(tmp_path, seconds=0.5)
    assert found["requests_per_second"] > 0


def test_turns_become_medians_with_the_range_of_the_rate() -> None:
    rows = [a_turn(rate)["inserts"][0] for rate in (30.0, 10.0, 20.0)]
    found = ceilings.middle(rows, "bookings_per_second")
    assert (found["bookings_per_second"], found["range"]) == (20.0, [10.0, 30.0])
    assert found["us"] == {"postgres": 90.0, "pgbench": 5.0}


def test_what_a_person_needs_stands_beside_what_we_spend_or_is_said_to_be_unknown() -> None:
    parts = {part: [ceilings.middle(rows, ceilings.RATES[part])] for part, rows in a_turn(50.0).items()}
    person = {"web": {"ours_us": {"intake": 660}}, "inserts": {"ours_us": {}}, "copying": {"ours_us": {}}}
    told = ceilings.lines({"a_person": person, **parts})
    assert "1 × server 200 = 200; ours: intake 660" in told[1]
    assert "ours was not measured" in told[2]
    assert "6.9 × kafka 10 = 69" in told[3]


def test_a_figure_says_on_which_settings_it_was_measured() -> None:
    found = machine.settings()
    assert found["postgres"]["fsync"] == found["postgres"]["synchronous_commit"] == "on"
    assert (found["producer"]["acks"], found["producer"]["enable_idempotence"]) == ("all", True)
    assert found["kafka"]["heap"] == "256m"
