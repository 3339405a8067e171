"""One frame for all pages of staff: what is said in it is escaped, and what was forgotten is an error."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from shared.web.staff_pages import staff_environment

SAID = {"title": "A page", "message": "", "staff": {"name": "Amina <K.>"}, "form": "mark"}


def render(folder: Path, **said: object) -> str:
    (folder / "page.html").write_text(
        '{% extends "staff_frame.html" %}{% block main %}<p>{{ text }}</p>{% endblock %}'
    )
    environment = staff_environment(folder, "p{color:red}", "/leave")
    return environment.get_template("page.html").render(SAID | {"text": "here"} | said)


def test_a_page_stands_in_the_frame_with_its_style_and_the_way_out(tmp_path: Path) -> None:
    page = render(tmp_path)
    for part in (
        "<title>A page</title>",
        "<style>p{color:red}</style>",
        '<form method="post" action="/leave">',
        'value="mark"',
        "<p>here</p>",
    ):
        assert part in page
    assert "<script" not in page
    assert 'role="alert"' not in page


def test_whoever_is_not_signed_in_has_nothing_to_sign_out_of(tmp_path: Path) -> None:
    assert "<form" not in render(tmp_path, staff=None)
    assert "<form" not in render(tmp_path, form="")


@pytest.mark.parametrize("place", ["text", "message", "title"])
def test_what_somebody_typed_is_text_everywhere(tmp_path: Path, place: str) -> None:
    page = render(tmp_path, **{place: "<b onclick=x>"})
    assert "&lt;b onclick=x&gt;" in page
    assert "<b onclick" not in page
    assert "Amina &lt;K.&gt;" in page


def test_a_page_that_is_told_too_little_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(UndefinedError):
        staff_environment(tmp_path, "", "/leave").get_template("staff_frame.html").render(title="A page")
