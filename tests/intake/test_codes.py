"""Case codes and PINs: speakable, typo-proof, given again on replay and never stored."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.codes import ALPHABET, case_codes, pin, pin_matches, read_case_code, read_pin

RANDOMNESS = st.binary(min_size=9, max_size=9)


@given(RANDOMNESS)
def test_a_code_reads_back_in_any_spelling(randomness: bytes) -> None:
    [code] = case_codes(randomness)
    assert len(code) == 10
    spoken = f" {code[:5]}-{code[5:]}".lower().replace("1", "l").replace("0", "o")
    assert read_case_code(spoken) == code


@given(RANDOMNESS, st.integers(0, 9), st.sampled_from(ALPHABET))
def test_every_single_wrong_letter_is_noticed(randomness: bytes, place: int, letter: str) -> None:
    [code] = case_codes(randomness)
    wrong = code[:place] + letter + code[place + 1 :]
    assert (read_case_code(wrong) == code) is (wrong == code)
    assert wrong == code or read_case_code(wrong) is None


def test_nearly_every_swap_of_neighbours_is_noticed() -> None:
    noticed = swaps = 0
    for code in case_codes(bytes(range(256)) * 9):
        for place in range(9):
            swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
            if swapped != code:
                swaps += 1
                noticed += read_case_code(swapped) is None
    assert noticed / swaps > 0.95


@given(st.text(max_size=20))
def test_nonsense_is_no_code_and_no_error(text: str) -> None:
    code = read_case_code(text)
    assert code is None or (len(code) == 10 and set(code) <= set(ALPHABET))


def test_codes_use_every_letter_and_each_nine_bytes_give_one() -> None:
    codes = case_codes(bytes(range(90)))
    assert len(codes) == 10
    assert set("".join(code[:-1] for code in codes)) == set(ALPHABET)


@given(st.uuids())
def test_a_pin_is_six_digits_the_same_each_time_and_other_with_another_key(case_id: UUID) -> None:
    first = pin(b"k" * 32, case_id)
    assert len(first) == 6
    assert first.isdigit()
    assert first == pin(b"k" * 32, case_id)
    assert pin_matches(b"k" * 32, case_id, first)
    assert not pin_matches(b"k" * 32, case_id, "۱۲۳۴۵۶")


def test_pins_are_spread_over_their_range() -> None:
    pins = {pin(b"k" * 32, UUID(int=number)) for number in range(1000)}
    assert len(pins) > 990
    assert pins != {pin(b"l" * 32, UUID(int=number)) for number in range(1000)}


@given(RANDOMNESS, st.sampled_from(["۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩"]))
def test_a_code_and_a_pin_are_read_in_the_digits_of_any_keyboard(randomness: bytes, digits: str) -> None:
    [code] = case_codes(randomness)
    assert read_case_code("\u200f" + code.translate(str.maketrans("0123456789", digits))) == code
    assert read_pin(f" {digits[1:4]} {digits[4:7]}\u200e") == "123456"
