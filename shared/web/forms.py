"""What a browser's form sends, read strictly: one encoding, known names, bounded, no hidden signs."""

import unicodedata
from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl

from shared.web.bodies import JOINERS, REFUSED
from shared.web.edge import Bodies
from shared.web.problems import Problem

# For `read_other_bodies`: a route that reads forms reads nothing else.
FORMS = Bodies(65_536, ("application/x-www-form-urlencoded",))
MOST_FIELDS = 200
LONGEST = 500
LONGEST_TOKEN = 2_000  # a signed one is 500 to 700 signs: the length depends on the name of the key

Form = Mapping[str, tuple[str, ...]]


def parse_form(body: bytes, known: Collection[str], tokens: Collection[str] = ()) -> Form:
    """The values by name, in the order they came; empty ones are left out. Those of `tokens` may be as long as one.
    Raises Problem 400 for whatever a form of ours cannot have sent."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise _broken() from None
    form: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        if name not in known or len(value) > (LONGEST_TOKEN if name in tokens else LONGEST):
            raise _broken()
        if shown := _visible(value):
            form[name] = (*form.get(name, ()), shown)
    return form


def _visible(text: str) -> str:
    """Without what cannot be seen: numbers copied out of right-to-left text bring marks with them."""
    return "".join(
        sign for sign in text if unicodedata.category(sign) not in REFUSED or sign in JOINERS
    ).strip()


def _broken() -> Problem:
    return Problem(400, "broken_form", "This is not what the form sends.")
