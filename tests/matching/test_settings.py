"""The data files that come with matching can be read, and say that nobody has signed them yet."""

from pathlib import Path

import pytest

from services.matching.domain.policy import InconsistentPolicyError
from services.matching.domain.sieve import REASONS
from services.matching.settings import ALTERNATIVES, read_alternatives, read_cities, read_policy


def test_the_policy_is_whole_and_unsigned() -> None:
    policy, signed = read_policy()
    assert not signed
    assert policy.weeks == 4
    assert policy.review_after(0) > policy.review_after(3) == policy.review_after(99)
    assert policy.priority_of("R1") < policy.priority_of("R3") == policy.priority_of("unheard of")


def test_cities_are_found_whatever_the_case_of_their_letters() -> None:
    assert 31 < read_cities()["lahore"].latitude < 32


def test_a_reason_that_nobody_knows_stops_the_service_at_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REASONS, "fee", "too_poor")
    with pytest.raises(InconsistentPolicyError, match="too_poor"):
        read_policy()
    (tmp_path / "alternatives.yaml").write_text(
        ALTERNATIVES.read_text().replace("[offer_expired]", "[bored]")
    )
    with pytest.raises(InconsistentPolicyError, match="bored"):
        read_alternatives(tmp_path / "alternatives.yaml")
