"""Which fault comes next, on whom, how and for how long: drawn from a seed, without a clock and without an end. Pure."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice
from typing import Any

from tests.faults.subjects import SUBJECTS, TWINS

SERVERS = ("kafka", "postgres")
SERVICES = ("intake", "matching", "scheduling", "notifications", "partners")
TABLES = ("matching.cases", "scheduling.appointments", "notifications.messages")
TABLES_OF_TOMORROW = ("intake.cases", "intake.outbox", *TABLES, "partners.bookings")
WRITERS = ("intake", "matching", "scheduling", "notifications")
LONGER_THAN_EVERY_TIMEOUT = (12.5, 14.0)  # a session, a lease, a command, a request: none waits longer
UNTIL_ONE_STANDS_ALONE = (
    10.0,
    14.0,
)  # a batch is halved until the event that fails stands alone, and fails twice
PAUSE = (0.3, 2.0)
BESIDE_ANOTHER = 0.2  # the share of blows that fall while the fault before still lasts
BLOWS = frozenset({"kill", "terminate", "repeat"})  # over in a moment, so that they can fall beside another


@dataclass(frozen=True, slots=True)
class Kind:
    """`whom` it may hit; it lasts between two numbers of seconds; it is drawn `times` as often as others."""

    name: str
    whom: Sequence[str]
    seconds: tuple[float, float] = (0.0, 0.0)
    times: int = 1


@dataclass(frozen=True, slots=True)
class Fault:
    """The `number`-th of a run: after `pause` seconds it begins, lasts `seconds`, and is healed. `beside`: it does not
    wait until the one before is over."""

    number: int
    kind: str
    whom: str
    seconds: float
    pause: float
    beside: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _wires(*ways: str) -> tuple[str, ...]:
    """A server, a way and a service (all of them: *)."""
    return tuple(
        f"{server}/{way}/{service}" for server in SERVERS for way in ways for service in ("*", *SERVICES)
    )


def _ends() -> tuple[str, ...]:
    return tuple(f"{end}/{how}" for end in ("sms", "smtp", "whatsapp") for how in ("slow", "fails", "silent"))


KINDS: tuple[Kind, ...] = (
    Kind("kill", tuple(SUBJECTS), times=4),
    Kind("kill_server", SERVERS),
    Kind("restart_server", SERVERS, (1.0, 3.0)),
    Kind("freeze", (*TWINS, "intake", "intake-crisis", "scheduling"), LONGER_THAN_EVERY_TIMEOUT),
    Kind("freeze_server", SERVERS, LONGER_THAN_EVERY_TIMEOUT),
    Kind("cut", _wires("both", "up", "down"), (0.5, 4.0)),
    Kind("hold", _wires("both", "up", "down"), LONGER_THAN_EVERY_TIMEOUT),
    Kind("slow", _wires("both"), (4.0, 7.0)),
    Kind("slice", _wires("both", "up", "down"), (4.0, 7.0)),
    Kind("outside", _ends(), (5.0, 8.0)),
    Kind("vault_away", ("intake-vault",), (4.0, 8.0)),
    Kind(
        "repeat",
        (
            "intake.cases",
            "intake.alarms",
            "intake.contacts",
            "matching.matches.online",
            "matching.outcomes",
            "scheduling.appointments",
            "scheduling.capacity",
            "notifications.deliveries",
            "partners.bookings.rehmat-hospital",
        ),
    ),
    Kind("junk", ("intake.cases", "matching.outcomes", "scheduling.appointments"), (0.5, 1.0)),
    Kind("poison", TABLES, UNTIL_ONE_STANDS_ALONE),
    Kind("bad_deploy", TABLES, UNTIL_ONE_STANDS_ALONE),
    Kind("read_only", WRITERS, (2.0, 5.0)),
    Kind("refused_commit", WRITERS, (2.0, 5.0)),
    Kind("terminate", WRITERS),
    Kind("expand", TABLES_OF_TOMORROW, (2.0, 5.0)),
    Kind("hand_over", tuple(TWINS), (6.0, 9.0)),
)
BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}


def schedule(seed: int, *, begin: int = 0, kinds: Sequence[Kind] = KINDS) -> Iterator[Fault]:
    """Faults from the `begin`-th on, for ever. In every deck each kind comes as often as it should, and each kind has hit
    everybody before it hits anybody again. The same seed gives the same faults, wherever it begins."""
    return islice(_drawn(random.Random(seed), kinds), begin, None)


def _drawn(chance: random.Random, kinds: Sequence[Kind]) -> Iterator[Fault]:
    bags = {kind.name: _bag(random.Random(chance.random()), kind.whom) for kind in kinds}
    numbers = count()
    while True:
        deck = [kind for kind in kinds for _ in range(kind.times)]
        chance.shuffle(deck)
        for kind in deck:
            yield Fault(
                number=next(numbers),
                kind=kind.name,
                whom=next(bags[kind.name]),
                seconds=round(chance.uniform(*kind.seconds), 2),
                pause=round(chance.uniform(*PAUSE), 2),
                beside=chance.random() < BESIDE_ANOTHER and kind.name in BLOWS,
            )


def _bag(chance: random.Random, whom: Sequence[str]) -> Iterator[str]:
    while True:
        yield from chance.sample(whom, len(whom))
