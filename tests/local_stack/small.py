"""The command line on a stack of one toy process, run as a program of its own: `small FOLDER COMMAND ...`."""

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from deploy.local import cli, ports
from deploy.local.processes import Process
from deploy.local.stack import Plan, Stack

Traced = Callable[[], Awaitable[None]]
TOY = Process("intake", "tests.local_stack.toy", "api", "intake")


async def demo(
    where: dict[str, str],
    people: int,
    seed: int,
    *,
    traced: Traced | None = None,
    in_bulk: float | None = None,
) -> int:
    """Stands in for the synthetic country; its exit code is the number of people."""
    if traced is not None:
        await traced()
    cli.say(f"demo at {where['intake']} with {people} people, seed {seed}")
    return people


def main() -> int:
    cli.FOLDER = Path(sys.argv.pop(1))
    plan = Plan((TOY,), (), (), with_kafka=False, with_zipkin=False, ports=ports.anywhere())
    vars(cli).update(Stack=partial(Stack, plan=plan), _demo=demo)
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
