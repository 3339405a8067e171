"""The data files that come with matching can be read, and say that nobody has signed them yet."""

from services.matching.settings import read_cities, read_policy


def test_the_policy_is_whole_and_unsigned() -> None:
    policy, signed = read_policy()
    assert not signed
    assert policy.weeks == 4
    assert policy.review_after(0) > policy.review_after(3) == policy.review_after(99)
    assert policy.priority_of("R1") < policy.priority_of("R3") == policy.priority_of("unheard of")


def test_cities_are_found_whatever_the_case_of_their_letters() -> None:
    assert 31 < read_cities()["lahore"].latitude < 32
