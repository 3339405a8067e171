"""One program run as a child: own process group, log file, clean stop, and no survival of its parent."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class StartFailed(Exception):
    """A program ended, or said nothing, instead of getting ready; the message ends with its last log lines."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `account` is the user to become; `stop_signal` asks it to end in its own clean way; `nice` as in nice(1):
    how far it gives way to others when there is too little processor for all."""

    name: str
    argv: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    account: tuple[int, int] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    nice: int = 0


class Child:
    """A started program. Polled rather than awaited, so that any event loop and any thread may own it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        program.log.parent.mkdir(parents=True, exist_ok=True)
        uid, gid = program.account or (None, None)
        with program.log.open("ab") as log:
            self._process = subprocess.Popen(
                program.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=program.environment,
                cwd=program.folder,
                user=uid,
                group=gid,
                extra_groups=[] if program.account else None,
                process_group=0,
                preexec_fn=_before_it_starts(program),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; minus the signal's number when a signal ended it."""
        return self._process.poll()

    @property
    def running(self) -> bool:
        return self.returncode is None

    def kill(self, sent: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal to the program alone (not to its group), as a fault would hit it."""
        if self.running:
            self._process.send_signal(sent)

    async def wait(self) -> int:
        while (code := self.returncode) is None:
            await asyncio.sleep(0.02)
        return code

    async def stop(self, grace: float = 5.0) -> int:
        """Asks, waits `grace` seconds, then kills; the rest of its group goes with it."""
        self.kill(self.program.stop_signal)
        self.kill(signal.SIGCONT)
        try:
            code = await asyncio.wait_for(self.wait(), grace)
        except TimeoutError:
            self.kill()
            code = await self.wait()
        _kill_group(self.pid)
        return code

    async def until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Waits until `ready()`; raises StartFailed when the program ends or the time is over."""
        for _ in range(int(seconds / 0.02)):
            if not self.running:
                raise StartFailed(self._explain(f"ended with {self.returncode}"))
            if ready():
                return
            await asyncio.sleep(0.02)
        raise StartFailed(self._explain(f"was not ready in {seconds:.0f} s"))

    def _explain(self, what: str) -> str:
        return f"{self.program.name} {what}; {self.program.log}:\n{last_lines(self.program.log)}"


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log, for a message to whoever started the program."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:]) if log.exists() else ""


def run(
    argv: Sequence[str],
    *,
    account: tuple[int, int] | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Runs a short tool to its end; its output is shown only when it fails."""
    uid, gid = account or (None, None)
    done = subprocess.run(
        argv,
        user=uid,
        group=gid,
        extra_groups=[] if account else None,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StartFailed(f"{Path(argv[0]).name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def die_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """Linux alone tells a child that its parent died, however it died; elsewhere the next start cleans up."""
    if _LIBC is None:
        return None
    libc, parent = _LIBC, os.getpid()

    def preexec() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(stop_signal))
        if os.getppid() != parent:  # the parent died between fork and prctl
            os._exit(1)

    return preexec


def _before_it_starts(program: Program) -> Callable[[], None]:
    dies = die_with_parent(program.stop_signal)

    def preexec() -> None:
        os.nice(program.nice)
        if dies is not None:
            dies()

    return preexec


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
