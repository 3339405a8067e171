"""What the README lets a newcomer paste: by a real shell, and curl where there is one, as it stands there, against every application it names."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from secrets import token_bytes
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from deploy.local import secrets
from deploy.local.ports import PREFERRED
from services.partners.handlers.keys import ACTIONS, create_key
from shared.messaging.desk import Desk
from shared.web.keys import RANDOM_BYTES, make_key
from tests.authorization.asking import Tokens
from tests.authorization.conftest import Stage
from tests.browser.serving import serving
from tests.partners.appointments import a_booking, tell
from tests.partners.conftest import target_of
from tests.waiting import running

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PASTED = [block for block in re.findall(r"^```\n(.*?)^```$", README, re.M | re.S) if "curl " in block]
NAMED = {name for name, port in PREFERRED.items() if f"127.0.0.1:{port}/" in "".join(PASTED)}
NETWORK = "humqadam-network"
# Every answer ends with a line of its own that tells its status; nothing else is changed.
TOLD = "curl() {{ {} -w '\\n=%{{http_code}}\\n' \"$@\"; }}\n"
ALIKE = f"{sys.executable} -m tests.authorization.like_curl"
CURL = "command curl" if shutil.which("curl") else ALIKE


class Answer(NamedTuple):
    """What one curl was answered."""

    status: int
    lines: list[Any]


class Shell:
    """A folder like a checkout's, with a deployment's secrets, and the addresses of a stack that runs."""

    def __init__(self, folder: Path, urls: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self.folder, self._urls, self._environment, self.curl = folder, urls, environment, CURL
        (folder / ".venv").symlink_to(sys.prefix)

    async def paste(self, text: str, **variables: str) -> list[Answer]:
        """The answers in their order. Where a command of it fails there are fewer."""
        for name, url in self._urls.items():
            text = text.replace(f"http://127.0.0.1:{PREFERRED[name]}", url)
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", TOLD.format(self.curl) + text, cwd=self.folder, stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self._environment, **variables},
        )  # fmt: skip
        said, _ = await process.communicate()
        found = re.findall(r"(.*?)\n=(\d{3})\n", said.decode(), re.S)
        return [
            Answer(int(status), [json.loads(line) for line in lines.splitlines()]) for lines, status in found
        ]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shell(
    stage: Stage, tokens: tuple[Path, Tokens], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shell]:
    """The network has a key and a booking, as after `make up`; partners does what an operator asks."""
    partners = stage.opened["partners"]
    first = target_of(make_key(token_bytes(RANDOM_BYTES)), NETWORK)
    async with partners.transaction() as tx:
        await create_key(first, "tests", tx)
    await tell(partners, a_booking(NETWORK))
    stop, desk = asyncio.Event(), Desk(partners, [Serving()], actions=ACTIONS)  # type: ignore[list-item]
    async with AsyncExitStack() as leaving:
        urls = {name: await leaving.enter_async_context(serving(stage.apps[name])) for name in NAMED}
        await leaving.enter_async_context(running(stop, desk.run(stop)))
        environment = {
            "DATABASE_URL": stage.opened["console"].dsn or "",
            "TOKEN_KEY_FILE": str(tokens[0] / secrets.TOKEN_KEY),
        }
        yield Shell(tmp_path_factory.mktemp("checkout"), urls, environment)


class Serving:
    """A reader without topics, for whose group the desk serves what is asked."""

    group, reader = "partners", None

    def forget(self) -> None: ...
    def resume(self) -> None: ...


async def test_what_stands_in_for_curl_is_answered_as_curl_is(shell: Shell) -> None:
    shell.curl = ALIKE
    [accepted] = await shell.paste(PASTED[0])
    assert (accepted.status, accepted.lines[0].keys() >= {"case_code", "pin"}) == (202, True)
    shell.curl = CURL


async def test_what_the_readme_lets_one_paste_is_answered_as_it_says(shell: Shell) -> None:
    asking, *others = PASTED
    [accepted] = await shell.paste(asking)
    assert (accepted.status, accepted.lines[0].keys() >= {"case_code", "pin"}) == (202, True)

    person = json.loads(re.search(r"-d '(.*?)'$", asking, re.M | re.S)[1])  # type: ignore[index]
    (shell.folder / "people.ndjson").write_text(json.dumps({"client_reference": "row-1"} | person) + "\n")
    code = accepted.lines[0]["case_code"]
    told = await shell.paste("".join(others), CASE_CODE=code)
    assert [one.status for one in told] == [200] * "".join(others).count("curl ")
    bulk, snapshot, feed, tasks, journey = (one.lines for one in told)
    assert [(line["line"], line["outcome"]) for line in bulk] == [(1, "accepted")]
    assert len(snapshot[0]["bookings"]) == len(feed[0]["events"]) == 1
    assert "tasks" in tasks[0]
    assert code in json.dumps(journey[0])
