"""The crisis card as it is printed: made once a minute per place and language, then handed out as it is; and the other
help whose numbers are from it."""

import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from services.intake.domain.crisis import CrisisLines, card
from services.intake.domain.other_help import OtherHelp, described
from services.intake.domain.vocabulary import TIME_ZONE

ZONE = ZoneInfo(TIME_ZONE)


class CardDeck:
    """Cards by (province, language); the same bytes for everybody in the same minute."""

    def __init__(self, lines: CrisisLines, other_help: OtherHelp) -> None:
        self.lines = lines
        self._other_help = other_help
        self._minute = -1
        self._printed: dict[tuple[str | None, str], bytes] = {}

    def printed(self, province: str | None, language: str) -> bytes:
        """The card as JSON."""
        minute = int(time.time() // 60)
        if minute != self._minute:
            self._minute, self._printed = minute, {}
        key = (province, language)
        if key not in self._printed:
            self._printed[key] = orjson.dumps(self._made(province, language, minute))
        return self._printed[key]

    def card(self, province: str | None, language: str) -> Any:
        """The same card as an object, to be put into another answer."""
        return orjson.loads(self.printed(province, language))

    def other_help(self, kind: str, province: str | None, language: str) -> dict[str, Any]:
        """Other help in words, with the verified lines of the same card where it is a helpline."""
        return described(self._other_help, kind, language, self.card(province, language)["lines"])

    def _made(self, province: str | None, language: str, minute: int) -> dict[str, Any]:
        return card(self.lines, province, language, datetime.fromtimestamp(minute * 60, UTC).astimezone(ZONE))
