"""Free loopback ports near the preferred ones, so that two stacks live on one machine without a question."""

import json
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from secrets import SystemRandom

# People's ports first; from 8120 on are those that only answer health and metrics.
PREFERRED: dict[str, int] = {
    "console": 8100,
    "intake": 8101,
    "matching": 8102,
    "scheduling": 8103,
    "notifications": 8104,
    "partners": 8105,
    "intake-crisis": 8106,
    "intake-vault": 8107,
    "sms": 8110,
    "smtp": 8111,
    "intake-worker": 8120,
    "scheduling-online": 8121,
    "scheduling-in-person": 8122,
    "notifications-sender": 8123,
    "pager": 8124,
    "hospital": 8125,
    "postgres": 5433,
    "kafka": 9092,
    "kafka-controller": 9093,
    "zipkin": 9411,
}

# Above what servers usually take, and below what outgoing connections are given (32768 and up, as Linux comes).
QUIET = range(15_000, 32_000)


class Claims:
    """Ports that a stack has chosen and does not use yet: another one that starts in the same second leaves them alone.

    A claim is an abstract unix socket of the port's name. It lives in the same namespace as the port, two cannot have it,
    and it is gone with its process, however that ends. Elsewhere than on Linux there is no such thing, and no claim.
    """

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}

    def take(self, port: int) -> bool:
        """Whether the port is this stack's now."""
        if sys.platform != "linux" or port in self._held:
            return True
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0humqadam-port-{port}")
        except OSError:
            claim.close()
            return False
        self._held[port] = claim
        return True

    def release(self) -> None:
        """Leaves all of them to others."""
        while self._held:
            self._held.popitem()[1].close()


def choose(file: Path, claims: Claims, preferred: Mapping[str, int] = PREFERRED) -> dict[str, int]:
    """The map of ports, kept in `file`: the same as last time where nobody else has them, else the next ones up.
    They are claimed until the claims are released."""
    before = json.loads(file.read_text()) if file.exists() else {}
    ports: dict[str, int] = {}
    for name, port in preferred.items():
        others = {*preferred.values(), *before.values(), *ports.values()} - {port, before.get(name)}
        ports[name] = _first_free(before.get(name, port), others, claims)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(ports, indent=2) + "\n")
    return ports


def chosen(file: Path) -> dict[str, int]:
    """The map of the stack that is up or was last up."""
    ports: dict[str, int] = json.loads(file.read_text())
    return ports


def is_free(port: int) -> bool:
    """Whether a server could listen there; a port in TIME_WAIT is free, as servers set SO_REUSEADDR."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
    return True


def anywhere(names: Iterable[str] = PREFERRED) -> dict[str, int]:
    """A free port for each name, none of them near the preferred ones; for tests and the kill loop.

    Never one that the system may give to an outgoing connection: it would be gone while its server starts again.
    """
    drawn, taken = SystemRandom(), dict[int, str]()
    for name in names:
        while (port := drawn.choice(QUIET)) in taken or not is_free(port):
            pass
        taken[port] = name
    return {name: port for port, name in taken.items()}


def free_port() -> int:
    """Any free port; for tests."""
    return anywhere(["one"])["one"]


def answers(port: int) -> bool:
    """Whether something accepts connections on that loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _first_free(port: int, others: set[int], claims: Claims) -> int:
    while port in others or not is_free(port) or not claims.take(port):
        port += 1
    return port
