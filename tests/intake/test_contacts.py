"""Contact points and requests: one spelling for every number, and combinations that cannot be meant."""

from dataclasses import replace

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.contacts import USUAL_WINDOWS, Contact, Window, read_address
from services.intake.domain.policy import Policy
from services.intake.domain.refusals import Refusal
from services.intake.domain.requests import Consent, Needs, contradictions
from services.intake.domain.vocabulary import Channel

NEEDS = Needs("individual", ("video",), ("ur",), ("anxiety",), "PK-PB", None, "25-34", (), None)
CONTACT = Contact("sms", "+923991234567", "en", "Latn", USUAL_WINDOWS, "own")
CONSENT = Consent(True, True, "2026-01", "en")


@pytest.mark.parametrize(
    "text",
    [
        "03991234567",
        "0399 1234567",
        "0399-123-4567",
        "+92 399 1234567",
        "00923991234567",
        "923991234567",
        "3991234567",
        "+92 (0) 399 1234567",
        "۰۳۹۹ ۱۲۳۴۵۶۷",
        "٠٣٩٩١٢٣٤٥٦٧",
        "\u200e+92\u00a0399\u20131234567\u200f",
    ],
)
def test_every_way_of_writing_a_number_is_the_same_number(text: str) -> None:
    assert read_address("sms", text) == "+923991234567"


AS_MOST_WRITE = st.tuples(
    st.sampled_from(["+92", "0092", "0"]),
    st.sampled_from(["", " ", "-"]),
    st.from_regex(r"3[0-9]{2}", fullmatch=True),
    st.sampled_from(["", " ", "-"]),
    st.from_regex(r"[0-9]{7}", fullmatch=True),
).map("".join)


@given(AS_MOST_WRITE)
def test_what_most_people_write_is_read_as_the_library_reads_it(text: str) -> None:
    number = phonenumbers.parse(text, "PK")
    assert read_address("sms", text) == phonenumbers.format_number(
        number, phonenumbers.PhoneNumberFormat.E164
    )


@pytest.mark.parametrize(
    "text",
    [
        "123",
        "0421234567",
        "+44 7700 900123",
        "039912345678",
        "0399123456",
        "abc",
        "+0399 1234567",
        "call 0399 1234567",
        "0399 CALLMEE",
        "0399 1234567 ext. 5",
        "042 35761999",
        "1122",
    ],
)
def test_a_number_that_is_no_pakistani_mobile_is_refused(text: str) -> None:
    refusal = read_address("sms", text)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "not_a_mobile_number"


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "email", "call"])
@pytest.mark.parametrize("address", [None, "", "   "])
def test_a_channel_without_an_address_is_refused(channel: str, address: str | None) -> None:
    refusal = read_address(channel, address)  # type: ignore[arg-type]
    assert isinstance(refusal, Refusal)
    assert refusal.code == "missing"


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "email"])
def test_control_characters_are_refused(channel: str) -> None:
    refusal = read_address(channel, "0399\x001234567")  # type: ignore[arg-type]
    assert isinstance(refusal, Refusal)
    assert refusal.code == "control_character"


def test_the_inbox_has_no_address() -> None:
    assert read_address("inbox", None) is None
    refusal = read_address("inbox", "03991234567")
    assert isinstance(refusal, Refusal)
    assert refusal.code == "not_allowed"


def test_mailboxes_keep_their_local_part_and_lose_the_capitals_of_their_domain() -> None:
    assert read_address("email", " Zara.K+x@Example.ORG ") == "Zara.K+x@example.org"


@pytest.mark.parametrize("text", ["a", "a@b", "a b@example.org", "a@@example.org", "a@" + "x" * 250 + ".org"])
def test_what_is_no_mailbox_is_refused(text: str) -> None:
    refusal = read_address("email", text)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "not_an_email_address"


@given(st.sampled_from(["sms", "email", "call", "inbox"]), st.text(max_size=300))
def test_no_text_breaks_the_reading_and_no_refusal_repeats_it(channel: str, text: str) -> None:
    answer = read_address(channel, text)  # type: ignore[arg-type]
    if isinstance(answer, Refusal) and len(text) > 8:
        assert text not in answer.detail


def test_an_ordinary_request_contradicts_nothing() -> None:
    assert contradictions(NEEDS, CONTACT, CONSENT) == []


def test_messages_in_urdu_may_be_in_urdu_letters() -> None:
    assert contradictions(NEEDS, replace(CONTACT, language="ur", script="Arab"), CONSENT) == []


@pytest.mark.parametrize("then", [(), ("whatsapp",), ("call",), ("inbox",), ("whatsapp", "call", "inbox")])
def test_other_ways_to_the_same_number_and_the_own_page_may_follow(then: tuple[Channel, ...]) -> None:
    assert contradictions(NEEDS, replace(CONTACT, then=then), CONSENT) == []


@pytest.mark.parametrize(
    ("needs", "contact", "consent", "pointer"),
    [
        (replace(NEEDS, modalities=("in_person",)), CONTACT, CONSENT, "/city"),
        (replace(NEEDS, modalities=("video", "video")), CONTACT, CONSENT, "/modalities/1"),
        (replace(NEEDS, languages=("ur", "en", "ur")), CONTACT, CONSENT, "/languages/2"),
        (replace(NEEDS, problem_areas=("grief", "grief")), CONTACT, CONSENT, "/problem_areas/1"),
        (replace(NEEDS, wanted_times=(Window(1, 600, 600),)), CONTACT, CONSENT, "/wanted_times/0/end"),
        (
            NEEDS,
            replace(CONTACT, safe_windows=(Window(1, 1380, 60),)),
            CONSENT,
            "/contact/safe_windows/0/end",
        ),
        (NEEDS, replace(CONTACT, then=("whatsapp", "whatsapp")), CONSENT, "/contact/then/1"),
        (NEEDS, replace(CONTACT, then=("sms",)), CONSENT, "/contact/then/0"),
        (NEEDS, replace(CONTACT, then=("inbox", "email")), CONSENT, "/contact/then/1"),
        (NEEDS, replace(CONTACT, channel="email", then=("sms",)), CONSENT, "/contact/then/0"),
        (NEEDS, replace(CONTACT, channel="inbox", then=("sms",)), CONSENT, "/contact/then/0"),
        (NEEDS, CONTACT, replace(CONSENT, care=False), "/consent/care"),
        (NEEDS, CONTACT, replace(CONSENT, contact=False), "/consent/contact"),
    ],
)
def test_combinations_that_cannot_be_meant_are_named(
    needs: Needs, contact: Contact, consent: Consent, pointer: str
) -> None:
    assert [refusal.pointer for refusal in contradictions(needs, contact, consent)] == [pointer]


def test_in_person_beside_online_needs_no_city() -> None:
    assert contradictions(replace(NEEDS, modalities=("video", "in_person")), CONTACT, CONSENT) == []


def test_a_city_is_found_in_any_capitals_and_only_in_its_province(policy: Policy) -> None:
    assert policy.places.read_city(" mirpur khas ", "PK-SD") == "Mirpur Khas"
    elsewhere = policy.places.read_city("Lahore", "PK-SD")
    assert isinstance(elsewhere, Refusal)
    assert elsewhere.code == "not_in_province"
    unknown = policy.places.read_city("Atlantis", "PK-PB")
    assert isinstance(unknown, Refusal)
    assert unknown.code == "unknown_city"
