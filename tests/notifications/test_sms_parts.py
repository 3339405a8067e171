"""SMS parts: vectors checked against 3GPP TS 23.038 encoders, and what must hold for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.sms import GSM7, count_parts, is_gsm7

URDU = "آپ کی ملاقات منگل 5 جنوری، شام 4 بجے طے ہے۔"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 159 + "€", 2),
        ("ا" * 70, 1),
        ("ا" * 71, 2),
        ("ا" * 134, 2),
        ("ا" * 135, 3),
        (URDU, 1),
        (URDU + " " + "تبدیلی کے لیے کال کریں۔ شکریہ۔", 2),
        ("Aap ki mulaqat Mangal 5 January shaam 4 bajay tay hai.", 1),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_parts_are_counted_by_encoding(text: str, parts: int) -> None:
    assert count_parts(text) == parts


def test_one_curly_apostrophe_makes_the_whole_text_ucs2() -> None:
    assert not is_gsm7("Your appointment’s confirmed.")
    assert is_gsm7("Your appointment's confirmed.")
    assert count_parts("a" * 70 + "’") == 2


def test_a_sign_of_two_septets_is_never_torn() -> None:
    assert count_parts("a" * 152 + "€" + "a" * 152) == 3


@given(st.text(sorted(GSM7), max_size=700))
def test_more_text_never_needs_fewer_parts(text: str) -> None:
    assert count_parts(text) <= count_parts(text + "a") <= count_parts(text) + 1
