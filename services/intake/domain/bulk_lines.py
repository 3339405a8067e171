"""A file of many requests, cut into lines as it comes in: any chunks give the same lines, and no line grows for ever."""

from dataclasses import dataclass

LINE_LIMIT = 65_536  # bytes, as much as a single request may have
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not empty, counted from 1 with the empty ones; `text` is None where it was too long."""

    number: int
    text: bytes | None


class LineSplitter:
    """Holds the beginning of one line and nothing else.

    A line is a line of the file: no field of a request may hold a line break, so a quote that somebody forgot to
    close spoils its own line and not the rest of the file.
    """

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._begun = bytearray()
        self._too_long = False
        self.ended = 0

    def feed(self, chunk: bytes) -> list[Line]:
        """The lines that end in this chunk."""
        first, *others = chunk.split(b"\n")
        self._go_on(first)
        lines = []
        for piece in others:
            lines += self._end()
            self._go_on(piece)
        return lines

    def finish(self) -> list[Line]:
        """The last line, where no line break follows it."""
        return self._end() if self._begun or self._too_long else []

    def _go_on(self, piece: bytes) -> None:
        if len(self._begun) + len(piece) > self._limit:
            self._too_long = True
            self._begun.clear()
        elif not self._too_long:
            self._begun += piece

    def _end(self) -> list[Line]:
        self.ended += 1
        text = None if self._too_long else bytes(self._begun)
        self._begun.clear()
        self._too_long = False
        if text is not None:
            text = (text.removeprefix(BYTE_ORDER_MARK) if self.ended == 1 else text).strip()
        return [] if text == b"" else [Line(self.ended, text)]
