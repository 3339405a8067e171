"""What a run is summed up in: the content of demo.json, and whether every promise was kept."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What the kernel's tables hold."""

    outbox: int = 0
    dead_letters: int = 0
    skipped: int = 0
    parked: int = 0
    waiting: int = 0

    def since(self, before: "Leftovers") -> "Leftovers":
        """Without what had failed or was unknown before; what waits is counted whatever its age."""
        failed, unknown = self.dead_letters - before.dead_letters, self.skipped - before.skipped
        return replace(self, dead_letters=failed, skipped=unknown)


@dataclass(frozen=True, slots=True)
class Figures:
    """What `demo.json` says. Times in seconds; p50 and p99 from the request to the message at a
    sink; `accepted_in_bulk` are those of `accepted` who were handed over in a file.
    `held_for_human` are those who wait at the end; `agreed` and `refused` are minors whose guardian did;
    `hours_kept` were kept while somebody chose, `hours_taken` by their choice, `hours_let_go` for the next: not chosen, or too late;
    `given_back` and `moved` are people who could not come at the hour they had, `switched` those who meet in the other way,
    `came` and `missed` those whose hour has begun, `discharged` those whose case a therapist has closed; `tasks` are what
    coordinators had to do about these people, `tasks_done` what one of them has done by name;
    `called` are those of `messages_delivered` that one of them told by telephone."""

    people: int
    accepted: int
    accepted_in_bulk: int
    alarms: int
    alarms_closed: int
    tasks: int
    tasks_done: int
    matched: int
    waitlisted: int
    waitlist_reasons: Mapping[str, int]
    held_for_human: int
    agreed: int
    refused: int
    chosen: int
    offered: int
    hours_kept: int
    hours_taken: int
    hours_let_go: int
    given_back: int
    moved: int
    switched: int
    came: int
    missed: int
    discharged: int
    booked_online: int
    booked_in_person: int
    messages_planned: int
    messages_delivered: int
    called: int
    messages_skipped: int
    messages_skipped_reasons: Mapping[str, int]
    messages_waiting: int
    messages_waiting_reasons: Mapping[str, int]
    messages_failed: int
    messages_unknown: int
    partner_bookings_seen: int
    partner_bookings_expected: int
    events_skipped: int
    dead_letters: int
    outbox_left: int
    parked: int
    waiting: int
    lost: int
    duplicated: int
    double_booked: int
    crisis_answers_without_lines: int
    seconds: float
    journeys: int
    journeys_per_second: float
    p50_s: float
    p99_s: float
    checks: Mapping[str, int] = field(default_factory=dict)

    def promises_kept(self, *, faults: bool = False) -> bool:
        """Every zero is zero, every message accounted for, and the partner has what we have.

        With `faults` (processes were killed) a mail may have ended as unknown: SMTP promises no more.
        """
        zeros = (
            self.events_skipped, self.dead_letters, self.outbox_left, self.parked, self.waiting, self.lost,
            self.duplicated, self.double_booked, self.crisis_answers_without_lines, *self.checks.values(),
        )  # fmt: skip
        told = self.messages_delivered + self.messages_skipped + self.messages_waiting
        told += self.messages_unknown if faults else 0
        return (
            not any(zeros)
            and self.messages_planned == told
            and self.partner_bookings_seen == self.partner_bookings_expected
        )

    def as_json(self) -> dict[str, object]:
        """The content of demo.json."""
        return asdict(self)
