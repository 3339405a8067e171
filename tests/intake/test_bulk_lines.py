"""Files cut into lines and rows read as bodies: however the bytes come, and whatever wrote them."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.api.bulk.columns import columns
from services.intake.api.requests import EXAMPLE, CaseSent
from services.intake.domain.bulk_cells import Column, body_of, split_row
from services.intake.domain.bulk_lines import BYTE_ORDER_MARK, Line, LineSplitter

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), max_size=30)
COLUMNS = columns(("phq9", "gad7"))


def cut(chunks: list[bytes], limit: int = 65_536) -> list[Line]:
    splitter = LineSplitter(limit)
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.finish()


@given(st.lists(TEXTS), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans(), st.data())
def test_the_same_lines_come_out_wherever_the_chunks_are_cut(
    texts: list[str], newline: str, ends: bool, marked: bool, data: st.DataObject
) -> None:
    whole = BYTE_ORDER_MARK * marked + (newline.join(texts) + newline * ends).encode()
    places = sorted(data.draw(st.lists(st.integers(0, len(whole)))))
    chunks = [whole[start:end] for start, end in zip([0, *places], [*places, len(whole)], strict=True)]
    assert cut(chunks) == cut([whole])
    kept = [(n, text.encode().strip()) for n, text in enumerate(texts, 1)]
    if not kept or not kept[0][1].startswith(BYTE_ORDER_MARK):  # one that is doubled is a sign like any other
        assert [(line.number, line.text) for line in cut([whole])] == [one for one in kept if one[1]]


def test_empty_lines_are_counted_and_not_given() -> None:
    assert cut([b"\r\na\n\n  \n\nb"]) == [Line(2, b"a"), Line(6, b"b")]


@given(st.lists(st.binary(max_size=9), max_size=30), st.integers(1, 8))
def test_a_line_that_is_too_long_is_told_and_never_held(pieces: list[bytes], limit: int) -> None:
    splitter = LineSplitter(limit)
    for piece in pieces:
        splitter.feed(piece)
        assert len(splitter._begun) <= limit
    whole = b"".join(pieces).split(b"\n")
    lines = {line.number: line.text for line in cut(pieces, limit)}
    for number, text in enumerate(whole, 1):
        if len(text) > limit:
            assert lines[number] is None


@given(st.lists(TEXTS, min_size=1))
def test_any_cells_that_a_program_quotes_come_out_as_they_went_in(cells: list[str]) -> None:
    # A line separator inside a cell would be another line of the file for some programs.
    file = io.StringIO()
    csv.writer(file).writerow(cells)
    line = file.getvalue().removesuffix("\r\n")
    assert split_row(line) == cells or not line


@pytest.mark.parametrize("line", ['"left open', 'a,"b"c,d', '"a\rb'])
def test_a_row_whose_quotes_do_not_fit_is_no_row(line: str) -> None:
    assert split_row(line) is None


def row(**cells: str) -> dict[str, Any]:
    named = {name.replace("__", "."): cell for name, cell in cells.items()}
    return body_of([COLUMNS[name] for name in named], list(named.values()))


def typed(value: Any) -> str:
    """A value as somebody types it into a table."""
    match value:
        case bool():
            return "Yes" if value else "FALSE"
        case list():
            return ";".join(map(typed, value))
        case {"day": day, "start": start, "end": end}:
            return f"{day} {start}-{end}"
        case _:
            return str(value)


def leaves(body: dict[str, Any], way: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every field by the name of its column."""
    found: dict[str, Any] = {}
    for name, value in body.items():
        if isinstance(value, dict):
            found |= leaves(value, (*way, name))
        else:
            found[name if way == ("answers",) else ".".join((*way, name))] = value
    return found


def test_a_row_is_the_same_request_as_the_line_of_json() -> None:
    told = leaves(EXAMPLE)
    assert body_of([COLUMNS[name] for name in told], list(map(typed, told.values()))) == EXAMPLE


def test_an_empty_cell_is_not_sent_and_an_answer_left_out_is_not_zero() -> None:
    assert row(city=" ", phq9="0;;2", gad7="") == {"answers": {"phq9": [0, None, 2]}}


@pytest.mark.parametrize(
    ("column", "cell", "kept"),
    [
        ("max_fee", "2,000", "2,000"),
        ("max_fee", "۲۰", "۲۰"),
        ("max_fee", "1e3", "1e3"),
        ("max_fee", "1.5", "1.5"),
        ("radius_km", "8.25", 8.25),
        ("radius_km", "8", 8),
        ("radius_km", "-.5", "-.5"),
        ("radius_km", "nan", "nan"),
        ("max_fee", "9" * 400, "9" * 400),
        ("wanted_times", "Monday", ["Monday"]),
        ("wanted_times", "x 1-2", [{"day": "x", "start": "1", "end": "2"}]),
    ],
)
def test_what_cannot_be_read_stays_as_it_was_typed(column: str, cell: str, kept: object) -> None:
    assert row(**{column: cell}) == {column: kept}


def test_consent_that_is_neither_yes_nor_no_is_not_taken_for_either() -> None:
    assert row(consent__care="y") == {"consent": {"care": "y"}}


def test_every_simple_field_of_a_request_has_a_column() -> None:
    # A list of people has no cell: who comes with others is sent as JSON.
    assert {column.path[0] for column in COLUMNS.values()} >= set(CaseSent.model_fields) - {"attendees"}
    assert COLUMNS["phq9"] == Column(("answers", "phq9"), "numbers")
    assert COLUMNS["contact.safe_windows"].kind == COLUMNS["wanted_times"].kind == "windows"
