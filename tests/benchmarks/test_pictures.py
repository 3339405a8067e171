"""Plots show what was measured and nothing else, and come about in one way."""

import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gates import GATES
from benchmarks.pictures import LATE_MS, pictures
from benchmarks.run import RESULTS, read

DOCS = Path(__file__).parents[2] / "docs"
MACHINE = {"processor": "some processor", "cores": 2}


def a_turn(rate: float, **cpu: float) -> dict[str, Any]:
    waits = {"people": 1000, "p50_s": 1.0, "p99_s": 2.0}
    return {"journeys_per_second": rate, "cpu_ms": cpu, "machine": MACHINE} | waits


def sides() -> dict[str, Any]:
    ours = [a_turn(rate, matching=1.0, pager=0.5, postgres=2.0, client=0.1) for rate in (10.0, 40.0, 30.0)]
    theirs = [a_turn(5.0, matching=3.0, postgres=9.0, client=0.1)]
    return {"sides": {"machine": MACHINE, "people": 1000, "ours": ours, "faststream": theirs, "dbos": theirs}}


def test_what_was_not_measured_has_no_picture() -> None:
    assert pictures({}) == {}
    assert list(pictures(sides())) == ["journeys", "cost-beside"]
    assert pictures({"sides": {"people": 1000, "ours": [a_turn(1.0)]}}) == {}


def test_each_side_is_its_median_with_the_least_and_the_most() -> None:
    ours = pictures(sides())["journeys"].rows[0]
    assert (ours.name, ours.values, ours.ranges) == ("ours", (30.0,), ((10.0, 40.0),))


def test_every_process_is_in_the_cost_of_one_part() -> None:
    picture = pictures(sides())["cost-beside"]
    assert picture.series == ("services", "PostgreSQL", "people and gateways")
    assert picture.rows[0].values == (1.5, 2.0, 0.1)


def test_a_peer_that_cannot_be_had_everywhere_is_shown_where_it_was_measured() -> None:
    assert [row.name for row in pictures(sides())["journeys"].rows] == ["ours", "FastStream", "DBOS"]
    measured = sides()
    measured["sides"]["temporal"] = [a_turn(2.0, intake=1.0, temporal=5.0)]
    found = pictures(measured)
    assert found["journeys"].rows[-1].name == "Temporal"
    cost = dict(zip(found["cost-beside"].series, found["cost-beside"].rows[-1].values, strict=True))
    assert (cost["services"], cost["Temporal's server"]) == (1.0, 5.0)


def test_a_service_is_all_its_processes_and_the_dearest_comes_first() -> None:
    full = a_turn(1.0, **{"matching": 1.0, "intake": 0.7, "intake-worker": 0.6, "pager": 0.1})
    half = a_turn(1.0, matching=2.0, intake=3.0, notifications=0.2)
    rows = {row.name: row.values for row in pictures({"steady": full, "half": half})["cost"].rows}
    assert list(rows.items()) == [
        ("intake", (1.3, 3.0)),
        ("matching", (1.0, 2.0)),
        ("notifications", (0.1, 0.2)),
    ]


def test_the_line_in_the_picture_of_alarms_is_their_gate() -> None:
    assert [limit for name, limit, _, _ in GATES if name == "alarm_p99_ms"] == [LATE_MS]


def test_the_page_shows_the_pictures_that_the_figures_give() -> None:
    drawn = {path.stem for path in (DOCS / "plots").glob("*.svg")}
    assert drawn == set(pictures(read(RESULTS)))
    assert set(re.findall(r"\(plots/([\w-]+)\.svg\)", (DOCS / "benchmarks.md").read_text())) == drawn


@pytest.mark.parametrize("path", sorted((DOCS / "plots").glob("*.svg")), ids=lambda path: path.stem)
def test_a_picture_is_small_and_says_nothing_of_when_it_was_drawn(path: Path) -> None:
    content = path.read_text()
    assert len(content) < 60_000
    assert "dc:date" not in content
