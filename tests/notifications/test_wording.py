"""Neutral by construction: a template with a clinical word, a title or a link cannot be loaded."""

import copy
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications import templates
from services.notifications.domain import sms
from services.notifications.domain.composing import Occasion, compose
from services.notifications.domain.templates import (
    PURPOSES,
    UnfitTemplate,
    choose,
    compile_language,
    describe_time,
    render,
)
from services.notifications.domain.wording import findings
from services.notifications.templates import forbidden_words, load_languages, read_language

FOLDER = Path(templates.__file__).parent
FORBIDDEN = forbidden_words()
LANGUAGES = load_languages()


@pytest.mark.parametrize(
    "text",
    [
        "Your therapy session",
        "Dr Ahmed is waiting",
        "Your THERAPIST is ready",
        "psychologist",
        "neuro-psychiatry wing",
        "t h e r a p y",
        "the\u200brapy",
        "Ｔｈｅｒａｐｙ",
        "counselling room",
        "mental health",
        "Rehmat Hospital",
        "depression",
        "ذہنی صحت",
        "نفسیاتی مسائل",
        "علاج",
        "ڈپریشن",
        "خودکشی",
        "ذھنی",
        "zehni sehat",
        "aap ka ilaj",
        "nafsiyati",
        "your phq is done",
        "see https://example.org/x",
        "visit www.example",
        "humqadam.pk",
        "mail me@desk",
    ],
)
def test_a_word_that_tells_others_is_found(text: str) -> None:
    assert findings(text, FORBIDDEN)


@pytest.mark.parametrize(
    "text",
    [
        "Your appointment is on Tue 5 Jan at 4:00 pm.",
        "Aap ki mulaqat Mangal 5 January shaam 4 bajay tay hai.",
        "آپ کی ملاقات منگل 5 جنوری، شام 4 بجے طے ہے۔",
        "Second floor, Mall Road, Lahore. Ring the bell of office 4.",
        "Drive past the old fort",
    ],
)
def test_neutral_words_pass(text: str) -> None:
    assert findings(text, FORBIDDEN) == []


def test_every_language_that_is_on_loads_and_has_every_purpose() -> None:
    assert set(LANGUAGES) == {"en", "ur", "ur-Latn"}


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.toml")), ids=lambda file: file.stem)
def test_every_language_says_whether_it_is_on_and_who_has_looked_at_it(file: Path) -> None:
    content = read_language(file.stem)
    assert content["language"] == file.stem
    assert content["reviewed"]
    assert content["on"] or file.stem not in LANGUAGES
    assert content["on"] == ("purposes" in content)


@pytest.mark.parametrize("purpose", sorted(PURPOSES))
def test_messages_in_urdu_letters_stay_within_three_parts(purpose: str) -> None:
    values = {
        "day": "جمعرات 30 ستمبر",
        "time": "دوپہر 12:30 بجے",
        "place": "آن لائن، ویڈیو پر",
        "code": "9F3K2-A7Q1Z",
        "pin": "402817",
        "count": "12",
    }
    text = render(LANGUAGES["ur"], purpose, values).body
    assert not sms.is_gsm7(text)
    assert sms.count_parts(text) <= 3


@pytest.mark.parametrize("purpose", sorted(PURPOSES))
def test_in_urdu_letters_every_time_code_and_number_stands_in_an_isolate_of_its_own(purpose: str) -> None:
    values = {"day": "5", "time": "4:00", "place": "x", "code": "9F3K2-A7Q1Z", "pin": "402817", "count": "12"}
    text = render(LANGUAGES["ur"], purpose, values)
    outside = re.sub("\u2068[^\u2068\u2069]*\u2069", "", text.body)
    assert not re.search("[0-9A-Za-z\u2068\u2069]", outside)
    assert text.body.count("\u2068") == text.body.count("\u2069") == len(text.variables)


def content(tag: str = "en") -> dict[str, Any]:
    return copy.deepcopy(read_language(tag))


@pytest.mark.parametrize("word", ["therapy", "Dr Khan", "https://example.org", "ilaj", "ڈپریشن"])
@pytest.mark.parametrize("place", ["text", "subject"])
def test_a_template_with_such_a_word_is_not_loaded(word: str, place: str) -> None:
    changed = content()
    changed["purposes"]["reminder"][place] += f" {word}"
    with pytest.raises(UnfitTemplate, match="reminder"):
        compile_language(changed, FORBIDDEN)


@given(stem=st.sampled_from(FORBIDDEN.stems), before=st.text("abc xyz", max_size=8), upper=st.booleans())
def test_no_stem_slips_through_wherever_it_stands(stem: str, before: str, upper: bool) -> None:
    word = stem.upper() if upper else stem
    changed = content()
    changed["purposes"]["booked"]["text"] += f" {before}{word} and more"
    with pytest.raises(UnfitTemplate):
        compile_language(changed, FORBIDDEN)


@pytest.mark.parametrize(
    "hole", ["{name}", "{time.__class__}", "{time!r}", "{time:>40}", "{0}", "{}", "{day[0]}"]
)
def test_only_the_four_plain_variables_exist(hole: str) -> None:
    changed = content()
    changed["purposes"]["booked"]["text"] += hole
    with pytest.raises(UnfitTemplate, match="unknown variable"):
        compile_language(changed, FORBIDDEN)


def test_a_subject_is_one_plain_line() -> None:
    changed = content()
    changed["purposes"]["booked"]["subject"] = "Your appointment\r\nBcc: somebody"
    with pytest.raises(UnfitTemplate):
        compile_language(changed, FORBIDDEN)


def test_a_missing_purpose_is_seen_at_load() -> None:
    changed = content()
    del changed["purposes"]["cancelled"]
    with pytest.raises(UnfitTemplate):
        compile_language(changed, FORBIDDEN)


def test_times_are_told_in_local_words() -> None:
    moment = datetime(2027, 1, 5, 11, 0, tzinfo=UTC)
    assert describe_time(LANGUAGES["en"], moment, "Asia/Karachi") == ("Tue 5 Jan", "4:00 pm")
    assert describe_time(LANGUAGES["ur-Latn"], moment, "Asia/Karachi") == (
        "Mangal 5 January",
        "shaam 4:00 baje",
    )
    midnight = datetime(2027, 1, 4, 19, 5, tzinfo=UTC)
    assert describe_time(LANGUAGES["en"], midnight, "Asia/Karachi") == ("Tue 5 Jan", "12:05 am")


@pytest.mark.parametrize("tag", ["en", "ur-Latn"])
@pytest.mark.parametrize("purpose", sorted(PURPOSES))
def test_latin_messages_stay_one_sms_of_gsm_letters(tag: str, purpose: str) -> None:
    values = {
        "day": "Jumerat 30 September",
        "time": "dopahar 12:30 baje",
        "place": "online, video par",
        "code": "9F3K2-A7Q1Z",
        "pin": "402817",
        "count": "12",
    }
    text = render(LANGUAGES[tag], purpose, values).body
    assert sms.is_gsm7(text)
    assert sms.count_parts(text) == 1


def test_values_are_isolated_only_in_scripts_from_right_to_left() -> None:
    arabic = content()
    arabic["script"] = "Arab"
    values = {"day": "5", "time": "4:00", "place": "x", "code": "A"}
    assert "\u20684:00\u2069" in render(compile_language(arabic, FORBIDDEN), "booked", values).body
    assert "\u2068" not in render(LANGUAGES["en"], "booked", values).body


def at_a_site(directions: dict[str, str]) -> Occasion:
    at = datetime(2027, 1, 5, 11, tzinfo=UTC)
    return Occasion("booked", at, "Asia/Karachi", "in_person", "Lahore", directions)


def test_whoever_reads_latin_letters_is_told_the_way_in_no_others() -> None:
    told = {"ur": "مال روڈ، دوسری منزل", "ur-Latn": "Mall Road, doosri manzil"}
    assert "Mall Road" in compose(LANGUAGES["ur-Latn"], at_a_site(told)).body
    del told["ur-Latn"]
    text = compose(LANGUAGES["ur-Latn"], at_a_site(told)).body
    assert "Lahore mein" in text
    assert sms.is_gsm7(text)
    assert "دوسری منزل" in compose(LANGUAGES["ur"], at_a_site(told)).body


def test_the_name_of_a_city_in_other_letters_does_not_turn_its_sentence_round() -> None:
    assert "\u2068\u2068Lahore\u2069 میں\u2069" in compose(LANGUAGES["ur"], at_a_site({})).body
    assert "in Lahore." in compose(LANGUAGES["en"], at_a_site({})).body


def test_the_nearest_language_is_chosen() -> None:
    assert choose(LANGUAGES, "ur", "Latn").tag == "ur-Latn"
    assert choose(LANGUAGES, "ur", "Arab").tag == "ur"
    assert choose(LANGUAGES, "pa", "Arab").tag == "en"
    assert choose(LANGUAGES, "en", "Latn").tag == "en"
    assert choose(LANGUAGES, "ps", "Arab").tag == "en"
