"""Ways to build the kernel wrongly, each a small patch on a copy. All pass a quiet run; none survives the faults.

Several walls stand behind one another (offset, inbox, sequence), so that a mutant of one wall is blinded in the
others: else nobody could tell whether the checker sees anything. The control shows that the wall itself holds.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

Patch = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Mutant:
    """`patches` are (file, old text, new text); the old text must be there exactly once."""

    name: str
    patches: tuple[Patch, ...]
    faults: tuple[str, ...] = ("writer", "relay", "reader", "echo", "cut")
    seconds: float = 9.0


NO_INBOX: Patch = (
    "shared/messaging/admission.py",
    "known = not event.retold and event.topic not in policy.compacted and envelope.id not in unseen",
    "known = False",
)
NO_SEQUENCE: tuple[Patch, ...] = (
    (
        "shared/messaging/admission.py",
        "if known or (reached is not None and envelope.sequence <= reached):",
        "if known:",
    ),
    (
        "shared/messaging/admission.py",
        "    if reached is None or event.topic in policy.compacted or event.topic in policy.never_parked:",
        "    if True:",
    ),
)

CONTROLS = (
    Mutant("inbox alone", NO_SEQUENCE),
    Mutant("sequence alone", (NO_INBOX,)),
    Mutant("compare-and-set alone", (NO_INBOX, *NO_SEQUENCE), faults=("cut",), seconds=14.0),
)

MUTANTS = (
    Mutant(
        "cursor by id",
        (
            (
                "shared/messaging/relay.py",
                "FROM outbox WHERE lane = $1 AND shard = ANY ($2) ORDER BY id LIMIT $3",
                "FROM outbox WHERE lane = $1 AND shard = ANY ($2) AND id > $4 ORDER BY id LIMIT $3",
            ),
            (
                "shared/messaging/relay.py",
                "rows = await self._database.pool.fetch(READ, self.lane, shards, BATCH)",
                "rows = await self._database.pool.fetch(READ, self.lane, shards, BATCH, getattr(self, '_cursor', 0))\n"
                "        self._cursor = rows[-1]['id'] if rows else getattr(self, '_cursor', 0)",
            ),
        ),
        faults=("writer", "reader", "echo"),  # a relay that starts again starts from the lowest id
    ),
    Mutant(
        "the offset is committed before the effect",
        (
            (
                "shared/messaging/consumer.py",
                "            async with self.database.transaction(ask_time=False) as tx:\n"
                "                applied = await apply_batch(tx, self.reader, batch, moves)",
                "            async with self.database.transaction() as tx:\n"
                "                await inbox.begin(tx.connection, self.group, moves)\n"
                "            async with self.database.transaction() as tx:\n"
                "                applied = await apply_batch(tx, self.reader, batch, {})",
            ),
            # Nobody waits for a missing event: the jump would be noticed and held otherwise.
            NO_SEQUENCE[1],
        ),
        faults=("reader", "echo"),
    ),
    Mutant("no inbox", (NO_INBOX, *NO_SEQUENCE), faults=("relay", "relay", "writer")),
    Mutant(
        "no compare-and-set",
        (
            NO_INBOX,
            *NO_SEQUENCE,
            (
                "shared/messaging/inbox.py",
                " AND o.partition = v.partition AND o.next = v.expected",
                " AND o.partition = v.partition",
            ),
            ("shared/messaging/inbox.py", '    if row["moved"] != len(ordered):', "    if False:"),
        ),
        faults=("cut",),
        seconds=14.0,
    ),
    Mutant(
        "the outbox row is deleted before the ack",
        (
            (
                "shared/messaging/relay.py",
                "        await self._send(rows)\n"
                '        await self._database.pool.execute(DELETE, [row["id"] for row in rows])',
                '        await self._database.pool.execute(DELETE, [row["id"] for row in rows])\n'
                "        await asyncio.sleep(0.05)\n"  # drawn out, like the others' moments in the witness
                "        await self._send(rows)",
            ),
            NO_SEQUENCE[1],
        ),
        faults=("relay", "relay", "reader"),
    ),
    Mutant(
        "no streams row",
        (
            (
                "shared/messaging/outbox.py",
                "    ON CONFLICT (topic, key) DO UPDATE SET next = streams.next + excluded.next - 1\n"
                "    RETURNING topic, key, next",
                "    ON CONFLICT (topic, key) DO UPDATE SET next = excluded.next\n    RETURNING topic, key, next",
            ),
            (
                "shared/messaging/outbox.py",
                "    SELECT topic, key, count(*) + 1 FROM said GROUP BY topic, key ORDER BY topic, key",
                "    SELECT topic, key, count(*) + coalesce((SELECT max(s.next) FROM streams s"
                " WHERE s.topic = said.topic AND s.key = said.key), 1)"
                " FROM said GROUP BY topic, key ORDER BY topic, key",
            ),
        ),
    ),
    Mutant(
        "a batch is grouped by type without waves",
        (
            (
                "shared/messaging/apply.py",
                "for wave in waves([e for e in events if e.event is not None]):",
                "for wave in [[e for e in events if e.event is not None]]:",
            ),
        ),
    ),
)


def copy_with(
    mutant: Mutant, root: Path, folder: Path, parts: tuple[str, ...] = ("shared", "tests/faults")
) -> Path:
    """A copy of the kernel and the witness, or of other parts, with the mutant's patches applied."""
    tree = folder / "tree"
    for part in parts:
        shutil.copytree(root / part, tree / part, ignore=shutil.ignore_patterns("__pycache__", "schemas"))
        (tree / Path(part).parts[0] / "__init__.py").touch()
    for file, old, new in mutant.patches:
        text = (tree / file).read_text()
        assert text.count(old) == 1, f"{mutant.name}: the text to patch in {file} has changed"
        (tree / file).write_text(text.replace(old, new))
    return tree
