"""The page that newcomers read first names files and functions that are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("ARCHITECTURE.md", "README.md", "CONTRIBUTING.md", "docs/runbook.md", "docs/privacy.md")
# `services/intake/handlers/submission.py: submit_cases`, or a path alone.
PLACE = re.compile(r"`((?:services|shared|deploy|simulation|tests|docs)/[\w/.-]+)(?:: ([\w.]+))?`")
PLACES = [(page, *found) for page in PAGES for found in PLACE.findall((ROOT / page).read_text())]


def defined(path: Path) -> set[str]:
    """Functions, classes and `Class.method` of a module."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{one.name}" for one in node.body if hasattr(one, "name")}
    return names


@pytest.mark.parametrize(("page", "path", "function"), PLACES)
def test_what_a_page_names_is_there(page: str, path: str, function: str) -> None:
    assert (ROOT / path).exists(), f"{page} sends its reader to {path}"
    if function:
        assert function in defined(ROOT / path), f"{page} sends its reader to {path}: {function}"


def test_the_life_of_a_case_names_a_function_for_every_step() -> None:
    table = (ROOT / "ARCHITECTURE.md").read_text().split("## The life of one case")[1].split("##")[0]
    steps = [row for row in table.splitlines() if re.match(r"\| \d+[a-z]? \|", row)]
    assert len(steps) >= 29
    assert [row for row in steps if not re.search(r"\.py: \w+", row)] == []
