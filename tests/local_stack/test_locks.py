"""The dependency lists agree: ranges are said twice, and the locks name every distribution by its hash."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def ranges(file: Path) -> set[str]:
    lines = (line.strip() for line in file.read_text().splitlines())
    return {line for line in lines if line and not line.startswith(("#", "-r"))}


def test_the_package_and_the_lock_are_made_from_the_same_ranges() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(project["dependencies"]) == ranges(ROOT / "requirements.in")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-bench.txt"])
def test_every_line_of_a_lock_is_pinned_and_hashed_and_names_no_host(name: str) -> None:
    text = (ROOT / name).read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert "//" not in text


def test_development_and_measuring_have_the_versions_that_run_in_production() -> None:
    pins = [set(re.findall(r"^[a-z0-9-]+==[^ ]+", (ROOT / name).read_text(), re.M)) for name in LOCKS]
    assert pins[0] <= pins[1] & pins[2]
    names = {pin.partition("==")[0] for pin in pins[2]}
    assert {pin for pin in pins[1] if pin.partition("==")[0] in names} <= pins[2]


LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-bench.txt")
