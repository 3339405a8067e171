"""A reader on paper: what becomes of each record, one by one, told in the words of the design and not of the code."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of the log: the `sequence`-th event of a page."""

    page: str
    sequence: int


@dataclass(slots=True)
class ReaderModel:
    """One group on one topic. `refused` are the events that cannot be applied now."""

    compacted: bool = False
    never_parked: bool = False
    applied: list[Entry] = field(default_factory=list)
    known: set[Entry] = field(default_factory=set)
    letters: dict[str, Entry] = field(default_factory=dict)
    buried: list[Entry] = field(default_factory=list)
    parked: dict[str, set[int]] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)
    refused: set[Entry] = field(default_factory=set)

    def read(self, entry: Entry) -> None:
        """The next record of the log."""
        repeated = entry in self.known and not self.compacted
        self.known.add(entry)
        waiting = self.parked.setdefault(entry.page, set())
        last = max(waiting, default=0) if self.compacted else 0
        if repeated or entry.sequence <= max(last, self.reached.get(entry.page, 0)):
            return
        waiting.add(entry.sequence)
        if entry.page not in self.letters:
            self._take_up(entry.page)

    def gaps(self) -> set[str]:
        """Pages of which something waits for one that is missing."""
        return {page for page, waiting in self.parked.items() if waiting and page not in self.letters}

    def settle(self, page: str, *, again: bool) -> bool:
        """An operator applies the letter again, or lets it go; whether that worked."""
        letter = self.letters[page]
        if again and letter in self.refused:
            return False
        del self.letters[page]
        if again:
            self.applied.append(letter)
        self._take_up(page)
        return True

    def _take_up(self, page: str) -> None:
        """Applies what may be applied, in order: without a gap, until one cannot be applied at all."""
        waiting = self.parked[page]
        while waiting and (nearest := min(waiting)) and self._is_next(page, nearest):
            waiting.remove(nearest)
            self.reached[page] = nearest
            entry = Entry(page, nearest)
            if entry not in self.refused:
                self.applied.append(entry)
                continue
            self.buried.append(entry)
            if not self.never_parked:
                self.letters[page] = entry
                return

    def _is_next(self, page: str, sequence: int) -> bool:
        first = page not in self.reached
        return first or self.compacted or self.never_parked or sequence == self.reached[page] + 1
