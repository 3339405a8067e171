"""`docker-compose.yml` is what the specification and our own rules ask for, and runs the processes of the local stack.

No engine is asked: the schema is the Compose Specification's own (compose-spec.json, Apache-2.0, as check-jsonschema 0.39
carries it), the rules are below.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from deploy.image.prepare import FOLDERS
from deploy.local import kafka, ports, postgres
from deploy.local.processes import MIGRATIONS, PROCESSES, TOPICS, Process
from services.notifications.settings import SYNTHETIC_DUTY_DESK, PagerSettings

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
SCHEMA = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if "build" in one}
WORKING = {name: one for name, one in OURS.items() if one["restart"] == "unless-stopped" and name != "sms"}
FOREIGN = {name: one for name, one in SERVICES.items() if "build" not in one}


def problems(content: dict[str, Any]) -> list[str]:
    """What the specification's schema says against it."""
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(content)]


def command(process: Process) -> list[str]:
    return [process.module, *(("--role", process.role) if process.role else ()), *process.arguments]


def test_the_file_is_what_the_compose_specification_describes() -> None:
    assert problems(COMPOSE) == []


def test_a_slip_of_the_pen_is_seen() -> None:
    misspelt = COMPOSE | {"services": SERVICES | {"intake": SERVICES["intake"] | {"comand": ["x"]}}}
    assert problems(misspelt)


def test_every_process_of_ours_runs_as_in_the_local_stack() -> None:
    table = [*PROCESSES, *MIGRATIONS, TOPICS]
    expected = {one.name: command(one) for one in table if one.module.startswith("services.")}
    steps_of_the_image = {"secrets", "database", "sms"}
    found = {name: one["command"] for name, one in OURS.items() if name not in steps_of_the_image}
    assert found == expected, "docker-compose.yml and deploy/local/processes.py do not run the same processes"


def test_what_gives_way_in_the_local_stack_gives_way_here() -> None:
    gives_way = {name for name, service in COMPOSE["services"].items() if service.get("cpu_shares") == 128}
    assert gives_way == {process.name for process in PROCESSES if process.nice}
    assert not gives_way & {"intake", "intake-crisis", "intake-vault", "pager"}


@pytest.mark.parametrize("name", OURS)
def test_no_process_of_ours_may_more_than_it_needs(name: str) -> None:
    one = OURS[name]
    assert one["user"] == "10001:10001"
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in one["security_opt"]
    assert not one.keys() & {"privileged", "cap_add", "pid", "ipc", "devices"}


@pytest.mark.parametrize("name", WORKING)
def test_a_process_reads_its_own_secrets_and_nobody_elses(name: str) -> None:
    mounted = [one for one in WORKING[name].get("volumes", []) if one["source"] == "secrets"]
    assert len(mounted) == 1
    assert mounted[0]["read_only"] is True
    folder = mounted[0]["volume"]["subpath"]
    service, roles = FOLDERS[folder]
    assert WORKING[name]["command"][0] == f"services.{service}.main"
    assert re.search(r"//(\w+)@", WORKING[name]["environment"]["DATABASE_URL"]).group(1) in roles  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["pager", "notifications", "notifications-sender"])
def test_whoever_pages_or_tells_staff_is_told_the_numbers_of_this_deployment(name: str) -> None:
    """And without any word of an operator starts with what the service itself would take."""
    environment = SERVICES[name]["environment"]
    default = re.fullmatch(r"\$\{DUTY_DESK_NUMBER:-(.+)\}", environment["DUTY_DESK_NUMBER"])
    assert default
    assert default[1] == SYNTHETIC_DUTY_DESK
    (numbers,) = (one for one in SERVICES[name]["volumes"] if one["type"] == "bind")
    assert (numbers["target"], numbers["read_only"]) == (environment["STAFF_NUMBERS_FILE"], True)
    kept = re.fullmatch(r"\$\{STAFF_NUMBERS_FILE:-(.+)\}", numbers["source"])
    assert kept
    assert PagerSettings(staff_numbers_file=ROOT / kept[1]).staff_numbers() == {}


@pytest.mark.parametrize("name", WORKING)
def test_a_process_has_the_time_to_finish_what_it_began(name: str) -> None:
    assert int(WORKING[name]["stop_grace_period"].removesuffix("s")) > 5


@pytest.mark.parametrize("name", WORKING)
def test_nothing_starts_before_its_tables_and_topics_are_there(name: str) -> None:
    waits = WORKING[name]["depends_on"]
    service = WORKING[name]["command"][0].split(".")[1]
    assert waits[f"migrate-{service}"] == {"condition": "service_completed_successfully"}
    assert waits["topics"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_on_loopback_only(name: str) -> None:
    opened = SERVICES[name].get("ports", [])
    assert [port for port in opened if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", sorted(OURS.keys() & ports.PREFERRED.keys()))
def test_a_port_is_the_one_that_the_local_stack_prefers(name: str) -> None:
    opened = [int(port.split(":")[1]) for port in OURS[name].get("ports", [])]
    assert opened in ([], [ports.PREFERRED[name]])


@pytest.mark.parametrize("name", FOREIGN)
def test_an_image_of_others_has_a_fixed_version(name: str) -> None:
    assert re.search(r":v?\d+\.\d+(\.\d+)?$", FOREIGN[name]["image"])


@pytest.mark.parametrize("name", ["postgres", "kafka"])
def test_what_everything_stands_on_is_waited_for_until_it_works(name: str) -> None:
    assert FOREIGN[name]["healthcheck"]["test"][0] == "CMD"


def test_no_secret_stands_in_the_file() -> None:
    said = [one for service in SERVICES.values() for one in (service.get("environment") or {})]
    assert [name for name in said if re.search(r"(PASSWORD|SECRET|_KEY|TOKEN)$", name)] == []
    assert not re.search(r"://\w+:[^@\s]+@", FILE.read_text())


def test_the_broker_is_set_up_as_the_local_one() -> None:
    said = SERVICES["kafka"]["environment"]
    shared = {name: value for name, value in kafka.SETTINGS.items() if _variable(name) in said}
    own = {"listener.security.protocol.map"}  # one more listener, for the host
    assert {name: said[_variable(name)] for name in shared.keys() - own} == {
        name: value for name, value in shared.items() if name not in own
    }
    assert {"auto.create.topics.enable", "offsets.topic.replication.factor"} <= shared.keys()


def test_the_database_is_durable_and_set_up_as_the_local_one() -> None:
    said = dict(one.split("=") for one in SERVICES["postgres"]["command"] if "=" in one)
    assert said.items() <= postgres.SETTINGS.items()
    assert "max_connections" in said
    assert not {"fsync", "synchronous_commit", "full_page_writes"} & said.keys()


def test_prometheus_asks_every_process_of_ours() -> None:
    said = yaml.safe_load((ROOT / "deploy/compose/prometheus.yml").read_text())
    asked = {name for job in said["scrape_configs"] for one in job["dns_sd_configs"] for name in one["names"]}
    assert asked == WORKING.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_every_file_that_is_mounted_is_there(name: str) -> None:
    mounted = [
        one for one in SERVICES[name].get("volumes", []) if isinstance(one, str) and one.startswith("./")
    ]
    assert [one for one in mounted if not (ROOT / one.split(":")[0]).exists()] == []


def test_the_image_installs_only_what_the_lock_names_by_its_hash() -> None:
    recipe = (ROOT / "deploy/image/Dockerfile").read_text()
    assert "--require-hashes -r /tmp/requirements.txt" in recipe
    assert re.findall(r"^USER (.+)$", recipe, re.MULTILINE) == ["10001"]
    assert "index" not in recipe
    copied = set(re.findall(r"^COPY (?!--from)(\S+)", recipe, re.MULTILINE))
    let_in = {
        one.removeprefix("!") for one in (ROOT / ".dockerignore").read_text().splitlines() if one[:1] == "!"
    }
    assert copied == let_in


def _variable(name: str) -> str:
    return "KAFKA_" + name.upper().replace(".", "_")
