"""What is known after a run, as plain values. Moments are aware datetimes, or Unix seconds where a file says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from simulation.client_log import Told


class Case(NamedTuple):
    """A request as intake has it: `state` is what the person sees, `gate` who had to speak first; `withdrawn` is that it
    has ended, `closed_by` which staff ended it."""

    case_id: UUID
    case_code: str
    person_id: UUID
    gate: str
    state: str
    reason: str | None
    alarmed: bool
    withdrawn: bool
    stated_at: datetime
    closed_by: str | None = None


class Record(NamedTuple):
    """One record of a topic, in the order of the log. `fact` is what cannot happen twice, empty where it can."""

    topic: str
    partition: int
    offset: int
    key: str
    event_id: UUID
    type: str
    sequence: int
    fact: str = ""


class Reading(NamedTuple):
    """A consumer group of a service reads a topic (it has stored offsets for it)."""

    service: str
    group: str
    topic: str


class Appointment(NamedTuple):
    """An appointment as scheduling has it; `people` are its attendees."""

    appointment_id: UUID
    case_id: UUID
    version: int
    state: str
    live: bool
    therapist_id: UUID
    people: tuple[UUID, ...]
    organisation: str
    lane: str
    site_id: UUID | None
    room_id: UUID | None
    start: datetime
    end: datetime
    zone: str = "Asia/Karachi"


class Step(NamedTuple):
    """What was done with an appointment after it was booked, and by which kind of people."""

    appointment_id: UUID
    case_id: UUID
    version: int
    step: str
    by: str


class Reservation(NamedTuple):
    """A resource (therapist, room, person) is taken, by an appointment or by a hold."""

    resource_id: UUID
    appointment_id: UUID | None
    start: datetime
    end: datetime


class KeptHour(NamedTuple):
    """An hour that was kept while its person chose; `taken` says that they chose it in time, and that nothing came after."""

    hold_id: UUID
    case_id: UUID
    state: str
    reason: str | None
    taken: bool


class Message(NamedTuple):
    """A message as notifications has it. Its subject is an appointment, or a case on the waiting list."""

    message_id: UUID
    case_id: UUID
    person_id: UUID
    subject_id: UUID
    version: int
    purpose: str
    state: str
    reason: str | None
    channel: str | None
    due_at: datetime
    next_at: datetime
    settled_at: datetime | None


class Receipt(NamedTuple):
    """A message as it reached the outside world."""

    message_id: str
    to: str
    received_at: float


class Booking(NamedTuple):
    """A booking that stands as a partner has it, from its own topic or its own feed alone; `holder` is who has it."""

    booking_ref: str
    holder: str
    version: int
    practitioner: UUID
    site: UUID | None
    room: UUID | None
    start: datetime
    end: datetime


class Parking(NamedTuple):
    """Events about this key were parked at notifications from one Unix time to another."""

    key: str
    since: float
    until: float


class Alarm(NamedTuple):
    """An alarm row of intake."""

    alarm_id: UUID
    case_id: UUID
    state: str = "open"
    level: str = "R1"


class Task(NamedTuple):
    """What a human has to do about a case, as the worklist has it; `heard` is what the service that opened it knows to have
    come of it."""

    task_id: UUID
    case_id: UUID
    kind: str
    state: str
    outcome: str | None
    done_by: str | None
    done_name: str | None
    heard: str | None


@dataclass(slots=True)
class Streams:
    """What was said and what was read. `said` is the last sequence the producer gave per (topic, key)."""

    records: Sequence[Record] = ()
    said: Mapping[tuple[str, str], int] = field(default_factory=dict)
    readings: Sequence[Reading] = ()
    read: Mapping[tuple[str, str], frozenset[UUID]] = field(default_factory=dict)
    reached: Mapping[tuple[str, str, str, str], int] = field(default_factory=dict)
    compacted: frozenset[str] = frozenset()


@dataclass(slots=True)
class History:
    """Everything the checks look at. `read` is by (service, group), `reached` by (service, group, topic, key).

    `matched`, `waitlisted` and `offered` (still to choose) are case ids by matching's own tables, `chosen` is how many
    offers were accepted; `choosers` are the numbers of people who wished to choose, `changers` of those who cannot come
    at the hour they are given, `would_only_come` of those who asked to be seen in person and in no other way, `guarded` of those for whom a
    guardian had to agree, `agreed` is how many of these did; `expects_card` are the numbers of people
    whose answer must show whom to call; `addresses` is where each person (by number) is reached, None for the
    inbox, and `others` where those are who take part with them; `needed` is what each appointment must have reserved; `references` tells which appointment a partner's
    reference stands for; `steps` are what was done with appointments, `lanes` in which one each case was matched;
    `earlier` are messages that arrived about what the same people had asked in an earlier run, as when somebody who
    has waited since then is given an hour; `complaints` is what partners miss; `partners` are who they are. `limits` are how many hours a
    week each therapist takes; `stops` when each person was told that nothing more would come; `cancelled` when
    notifications heard that an appointment was given back, `ended` the same of a case that ended; `holders` are cases that
    count against a therapist; `paged` the alarms that the pager knows; `parked_alarms` keys
    of alarms that wait behind something. Appointments, reservations and `held` (what holds reserve that
    have not run out) are everybody's, all else is of the people of this run, also `kept_hours`.
    """

    told: Sequence[Told] = ()
    cases: Sequence[Case] = ()
    matched: frozenset[UUID] = frozenset()
    waitlisted: frozenset[UUID] = frozenset()
    offered: frozenset[UUID] = frozenset()
    chosen: int = 0
    choosers: frozenset[int] = frozenset()
    changers: frozenset[int] = frozenset()
    would_only_come: frozenset[int] = frozenset()
    guarded: frozenset[int] = frozenset()
    agreed: int = 0
    alarms: Sequence[Alarm] = ()
    alarms_on_topic: frozenset[UUID] = frozenset()
    expects_card: frozenset[int] = frozenset()
    streams: Streams = field(default_factory=Streams)
    appointments: Sequence[Appointment] = ()
    steps: Sequence[Step] = ()
    tasks: Sequence[Task] = ()
    lanes: Mapping[UUID, str] = field(default_factory=dict)
    reservations: Sequence[Reservation] = ()
    held: Sequence[Reservation] = ()
    kept_hours: Sequence[KeptHour] = ()
    needed: Mapping[UUID, Sequence[Reservation]] = field(default_factory=dict)
    messages: Sequence[Message] = ()
    receipts: Sequence[Receipt] = ()
    earlier: frozenset[str] = frozenset()
    addresses: Mapping[int, str | None] = field(default_factory=dict)
    others: Mapping[int, frozenset[str]] = field(default_factory=dict)
    references: Mapping[str, UUID] = field(default_factory=dict)
    bookings: Sequence[Booking] = ()
    complaints: Sequence[str] = ()
    partners: frozenset[str] = frozenset()
    limits: Mapping[UUID, int] = field(default_factory=dict)
    stops: Mapping[UUID, float] = field(default_factory=dict)
    cancelled: Mapping[UUID, float] = field(default_factory=dict)
    ended: Mapping[UUID, float] = field(default_factory=dict)
    holders: frozenset[UUID] = frozenset()
    parkings: Sequence[Parking] = ()
    paged: frozenset[UUID] = frozenset()
    parked_alarms: Sequence[str] = ()

    def own_appointments(self) -> list[Appointment]:
        """Live appointments of the people of this run."""
        return [one for one in self.all_appointments() if one.live]

    def all_appointments(self) -> list[Appointment]:
        """Appointments of the people of this run, those that were given back among them."""
        own = {case.case_id for case in self.cases}
        return [one for one in self.appointments if one.case_id in own]
