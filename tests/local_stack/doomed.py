"""A supervisor for a test to kill: brings up a small stack on the given folder, says so, and waits."""

import asyncio
import sys
from pathlib import Path

from deploy.local import ports
from deploy.local.processes import Process
from deploy.local.stack import Plan, Stack


async def main(folder: Path) -> None:
    toy = Process("intake", "tests.local_stack.toy", "api", "intake")
    plan = Plan((toy,), migrations=(), topics=(), with_zipkin=False, ports=ports.anywhere())
    await Stack(folder, plan=plan).start()
    sys.stdout.write("up\n")
    sys.stdout.flush()
    await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
