"""`python -m deploy.local up | down | reset | demo | read`: what the Makefile's targets call."""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path

import uvloop

from deploy.local import pidfile, ports, tour
from deploy.local.child import StartFailed
from deploy.local.processes import addresses
from deploy.local.reading import print_topic
from deploy.local.stack import AlreadyUp, Stack

FOLDER = Path(".local")


def main() -> int:
    """The exit code: 0 when all went well, 130 when it was interrupted before it was done."""
    arguments = _parser().parse_args()
    try:
        return uvloop.run(_stoppable(_command(arguments)))
    except (StartFailed, AlreadyUp) as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1


async def up(people: int, seed: int) -> int:
    """Brings everything up, shows that it works with some synthetic people, and stays until Ctrl-C."""
    stack = Stack(FOLDER, tell=say)
    try:
        await stack.start()
        await _show(stack, people, seed)
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    finally:
        say("\nStopping ...")
        await stack.stop()
    return 0


async def demo(people: int, seed: int, bulk: float | None = None) -> int:
    """Uses the stack that is up, or one of its own that is stopped at the end."""
    if pidfile.supervisor(FOLDER / "pids.json") is not None:
        return await _demo(addresses(ports.chosen(FOLDER / "ports.json")), people, seed, in_bulk=bulk)
    stack = Stack(FOLDER, tell=say)
    try:
        await stack.start()
        return await _demo(stack.addresses, people, seed, traced=stack.traced, in_bulk=bulk)
    finally:
        await stack.stop()


async def down() -> int:
    """Stops the stack that is up, whoever started it, and waits until it is gone."""
    pids = FOLDER / "pids.json"
    supervisor = pidfile.supervisor(pids)
    if supervisor is None:
        for name in await pidfile.end_leftovers(pids):
            say(f"ended {name}, left by a run that was killed")
        return 0
    os.kill(supervisor, signal.SIGTERM)
    while pidfile.supervisor(pids) is not None:
        await asyncio.sleep(0.05)
    return 0


async def reset() -> int:
    """Stops the stack and forgets its data, secrets included."""
    await down()
    shutil.rmtree(FOLDER, ignore_errors=True)
    return 0


def say(line: str) -> None:
    print(line, flush=True)


async def _show(stack: Stack, people: int, seed: int) -> None:
    """What does not work is said, and the stack stays: it is now that somebody wants to look into it."""
    where = stack.addresses
    if people:
        say(f"\nUp. {people} synthetic people go all the way:\n")
        try:
            # Somebody waits for the addresses.
            await _demo(where, people, seed, traced=stack.traced, settle_seconds=1.0)
        except Exception:
            traceback.print_exc()
    for line in await tour.lines(where):
        say(line)


async def _up_already() -> None:
    """The stack that is up keeps its spans."""


async def _demo(
    where: dict[str, str],
    people: int,
    seed: int,
    *,
    traced: Callable[[], Awaitable[None]] = _up_already,
    settle_seconds: float = 10.0,
    in_bulk: float | None = None,
) -> int:
    """The care is put in while the trace viewer still starts; nobody asks before their way can be looked at."""
    # Imported here: `down` and `reset` must work whatever state the rest of the checkout is in.
    from simulation import demo as country

    await country.seed(where, people=people, seed=seed, secrets=FOLDER / "secrets")
    await traced()
    code = await country.run(
        where,
        people=people,
        seed=seed,
        out=FOLDER / "demo.json",
        in_bulk=in_bulk,
        secrets=FOLDER / "secrets",
        settle_seconds=settle_seconds,
    )
    return int(code)


async def _stoppable(command: Coroutine[None, None, int]) -> int:
    """The first SIGINT or SIGTERM ends the command in its clean way; more of them do not hurry it."""
    task = asyncio.ensure_future(command)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, _cancel_once(task))
    with suppress(asyncio.CancelledError):
        return await task
    return 130


def _cancel_once(task: asyncio.Future[int]) -> Callable[[], None]:
    asked = False

    def cancel() -> None:
        nonlocal asked
        if not asked:
            asked = True
            task.cancel()

    return cancel


def _command(arguments: argparse.Namespace) -> Coroutine[None, None, int]:
    if arguments.command == "up":
        return up(arguments.people, arguments.seed)
    if arguments.command == "demo":
        return demo(arguments.people, arguments.seed, arguments.bulk)
    if arguments.command == "read":
        return print_topic(addresses(ports.chosen(FOLDER / "ports.json"))["kafka"], arguments.topic)
    return down() if arguments.command == "down" else reset()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("up", up.__doc__), ("demo", demo.__doc__)):
        command = commands.add_parser(name, help=text)
        command.add_argument("--people", type=int, default=200)
        command.add_argument("--seed", type=int, default=1)
    command.add_argument(
        "--bulk",
        type=float,
        help="the share that is handed over in files; usually 0.9 of 5000 people or more",
    )
    commands.add_parser("read", help="Prints a topic from its beginning.").add_argument("topic")
    commands.add_parser("down", help=down.__doc__)
    commands.add_parser("reset", help=reset.__doc__)
    return parser
