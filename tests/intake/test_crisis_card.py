"""The crisis card: never empty, never about the answers, and no line that nobody has called."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.contacts import Window
from services.intake.domain.crisis import CrisisLines, Line, card, card_language, may_be_shown
from services.intake.domain.policy import InconsistentPolicyError, Policy, checked
from services.intake.domain.vocabulary import CHOICES

PKT = timezone(timedelta(hours=5))
NIGHT = datetime(2026, 11, 23, 23, 50, tzinfo=PKT)
VERIFIED = Line(
    "x",
    {"en": "X"},
    "1234",
    None,
    ("ur",),
    frozenset({"PK-SD"}),
    (Window(1, 480, 900),),
    "verified",
    True,
    date(2026, 11, 1),
    90,
)


@given(
    st.sampled_from([None, *CHOICES["provinces"]]),
    st.sampled_from(["en", "ur", "ur-Latn", "bal"]),
    st.integers(0, 2_000_000).map(lambda minutes: NIGHT + timedelta(minutes=minutes)),
)
def test_the_card_always_has_the_countrys_emergency_numbers(
    policy: Policy, province: str | None, language: str, now: datetime
) -> None:
    shown = card(policy.lines, province, language, now)
    assert {"15", "115", "1122"} <= {line["dial"] for line in shown["lines"] if line["open_now"]}
    assert shown["message"]["text"]
    assert shown["call_me"]["possible"] is False


@pytest.mark.parametrize("language", ["en", "ur", "ur-Latn"])
def test_no_two_numbers_are_called_the_same(policy: Policy, language: str) -> None:
    names = {line["dial"]: line["name"] for line in card(policy.lines, None, language, NIGHT)["lines"]}
    assert len(set(names.values())) == len(names) >= 5


def test_a_line_from_a_list_that_nobody_has_dialled_is_not_shown(policy: Policy) -> None:
    for province in CHOICES["provinces"]:
        trusts = {line["trust"] for line in card(policy.lines, province, "en", NIGHT)["lines"]}
        assert trusts == {"public_emergency_number"}


def test_a_verified_line_is_shown_in_its_province_until_its_check_is_too_old(policy: Policy) -> None:
    lines = CrisisLines("x", (*policy.lines.lines, VERIFIED), policy.lines.messages, {})
    assert "x" in [line["id"] for line in card(lines, "PK-SD", "en", NIGHT)["lines"]]
    assert "x" not in [line["id"] for line in card(lines, "PK-PB", "en", NIGHT)["lines"]]
    assert "x" not in [line["id"] for line in card(lines, "PK-SD", "en", NIGHT + timedelta(days=90))["lines"]]


@pytest.mark.parametrize(
    ("change", "shown"), [({}, True), ({"active": False}, False), ({"verified_on": None}, False)]
)
def test_only_active_and_checked_counselling_lines_may_be_shown(
    change: dict[str, object], shown: bool
) -> None:
    assert may_be_shown(replace(VERIFIED, **change), date(2026, 11, 23)) is shown  # type: ignore[arg-type]


def test_lines_that_are_closed_now_stand_below_open_ones_and_say_so(policy: Policy) -> None:
    lines = CrisisLines("x", (VERIFIED, *policy.lines.lines), policy.lines.messages, {})
    night, noon = card(lines, "PK-SD", "en", NIGHT), card(lines, "PK-SD", "en", NIGHT.replace(hour=12))
    assert (night["lines"][-1]["id"], night["lines"][-1]["open_now"]) == ("x", False)
    assert (noon["lines"][0]["id"], noon["lines"][0]["open_now"]) == ("x", True)


def test_roman_urdu_readers_get_roman_urdu_and_others_english(policy: Policy) -> None:
    assert card_language("ur", "Latn") == "ur-Latn"
    assert card_language("ur", "Arab") == "ur"
    assert card(policy.lines, None, "bal", NIGHT)["message"]["lang"] == "en"


def test_a_deployment_without_a_countrywide_number_is_refused(policy: Policy) -> None:
    lines = replace(policy.lines, lines=(VERIFIED,))
    with pytest.raises(InconsistentPolicyError):
        checked(replace(policy, lines=lines))
