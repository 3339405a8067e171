"""The published kill table is that of the mutants there are: each passed quietly and was caught by a check that is its own."""

import re

import pytest

from tests.faults.kill_table import ALL, read
from tests.faults.mutants import Mutant
from tests.faults.stage import ROOT


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_every_mutant_is_published_with_what_caught_it(mutant: Mutant) -> None:
    _, breaks, blinded, quiet, faults, caught = read()[mutant.name].strip("| ").split(" | ")
    assert (breaks, blinded.strip(), quiet) == (mutant.breaks, ", ".join(mutant.blinded), "clean")
    assert faults == ", ".join(sorted({*mutant.faults}))
    found = {name: int(count) for name, count in re.findall(r"`(\w+)` (\d+)", caught)}
    assert any(found.get(check, 0) > 0 for check in mutant.caught_by)


def test_there_are_twenty_mutants_at_least_and_none_is_published_that_is_not_there() -> None:
    assert len({mutant.name for mutant in ALL}) == len(ALL) >= 20
    assert read().keys() == {mutant.name for mutant in ALL}


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_every_patch_finds_its_place(mutant: Mutant) -> None:
    """Seen here at once when the sources change, not only when the mutant is tried."""
    for file, old, _ in mutant.patches:
        assert (ROOT / file).read_text().count(old) == 1, f"{file}: {old}"
