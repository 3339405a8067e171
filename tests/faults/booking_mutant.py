"""Hours inserted without the constraint: the two walls against double bookings, taken down on a copy together or
one at a time. Alone, a worker decides everything in memory and needs neither; two lanes at once need one of them.
"""

from pathlib import Path

from tests.faults.mutants import Mutant, Patch, copy_with

NO_CONSTRAINT: Patch = (
    "services/scheduling/migrations/0001_create_appointments.sql",
    ",\n    CONSTRAINT nobody_twice EXCLUDE USING gist (resource_id WITH =, during WITH &&)",
    "",
)
NO_LOCKS: Patch = (
    "services/scheduling/repository/resources.py",
    "WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE) AS locked",
    "WHERE id = ANY ($1)) AS locked",
)

MUTANT = Mutant(
    "hours are inserted without the constraint",
    (NO_CONSTRAINT, NO_LOCKS),
    faults=("worker of either lane",),
    breaks="two lanes that decide at the same time sell one hour twice",
    caught_by=("overlaps", "told"),
    blinded=("locks",),
)
CONTROLS = (
    Mutant("the locks alone", (NO_CONSTRAINT,)),
    Mutant("the constraint alone", (NO_LOCKS,)),
)


def scheduling_with(mutant: Mutant, root: Path, folder: Path) -> Path:
    """A copy of scheduling and of what it stands on, with the mutant's patches applied."""
    return copy_with(mutant, root, folder, parts=("shared", "services/scheduling"))
