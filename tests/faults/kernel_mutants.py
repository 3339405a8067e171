"""Ways to build the kernel wrongly, each a small patch on a copy. All pass a quiet run; none survives the faults.

Several walls stand behind one another (offset, inbox, sequence), so that a mutant of one wall is blinded in the
others: else nobody could tell whether the checker sees anything. The control shows that the wall itself holds.
"""

from tests.faults.mutants import Mutant, in_file

ADMISSION, CONSUMER, RELAY = (f"shared/messaging/{name}.py" for name in ("admission", "consumer", "relay"))

NO_INBOX = in_file(
    ADMISSION,
    (
        "known = not event.retold and event.topic not in policy.compacted and envelope.id not in unseen",
        "known = False",
    ),
)
NO_WAITING_FOR_A_GAP = in_file(
    ADMISSION,
    (
        "    if reached is None or event.topic in policy.compacted or event.topic in policy.never_parked:",
        "    if True:",
    ),
)
NO_SEQUENCE = (
    *in_file(
        ADMISSION,
        ("if known or (reached is not None and envelope.sequence <= reached):", "if known:"),
    ),
    *NO_WAITING_FOR_A_GAP,
)
BLIND = (*NO_INBOX, *NO_SEQUENCE)
BY_XID = in_file(
    RELAY,
    (
        "FROM outbox WHERE lane = $1 AND shard = ANY ($2) ORDER BY id LIMIT $3",
        "FROM outbox WHERE lane = $1 AND shard = ANY ($2) ORDER BY xmin::text::bigint, id LIMIT $3",
    ),
)

CONTROLS = (
    Mutant("inbox alone", NO_SEQUENCE),
    Mutant("sequence alone", NO_INBOX),
    Mutant("compare-and-set alone", BLIND, faults=("cut",), seconds=14.0),
    Mutant("one relay to a shard alone", BLIND, faults=("writer",), seconds=5.0),
)

MUTANTS = (
    Mutant(
        "cursor by id",
        in_file(
            RELAY,
            (
                "FROM outbox WHERE lane = $1 AND shard = ANY ($2) ORDER BY id LIMIT $3",
                "FROM outbox WHERE lane = $1 AND shard = ANY ($2) AND id > $4 ORDER BY id LIMIT $3",
            ),
            (
                "rows = await self._database.pool.fetch(READ, self.lane, shards, BATCH)",
                "rows = await self._database.pool.fetch(READ, self.lane, shards, BATCH, getattr(self, '_cursor', 0))\n"
                "        self._cursor = rows[-1]['id'] if rows else getattr(self, '_cursor', 0)",
            ),
        ),
        faults=("writer", "reader", "echo"),  # a relay that starts again starts from the lowest id
        breaks="a row that commits after a higher one was read is never sent",
        caught_by=("lost",),
    ),
    Mutant(
        "the offset is committed before the effect",
        (
            *in_file(
                CONSUMER,
                (
                    "            async with self.database.transaction(ask_time=False) as tx:\n"
                    "                applied = await apply_batch(tx, self.reader, batch, moves)",
                    "            async with self.database.transaction() as tx:\n"
                    "                await inbox.begin(tx.connection, self.group, moves)\n"
                    "            async with self.database.transaction() as tx:\n"
                    "                applied = await apply_batch(tx, self.reader, batch, {})",
                ),
            ),
            *NO_WAITING_FOR_A_GAP,
        ),
        faults=("reader", "echo"),
        breaks="a batch in the hands of a process that is killed is not read again",
        caught_by=("lost",),
        blinded=("sequence: waiting for a gap",),
    ),
    Mutant(
        "no inbox",
        BLIND,
        faults=("relay", "relay", "writer"),
        breaks="what a relay sends again is applied again",
        caught_by=("duplicated",),
        blinded=("sequence",),
    ),
    Mutant(
        "no compare-and-set",
        (
            *BLIND,
            *in_file(
                "shared/messaging/inbox.py",
                (
                    " AND o.partition = v.partition AND o.next = v.expected",
                    " AND o.partition = v.partition",
                ),
                ('    if row["moved"] != len(ordered):', "    if False:"),
            ),
        ),
        faults=("cut",),
        seconds=14.0,
        breaks="who lost a partition without noticing commits the batch that its new owner applies too",
        caught_by=("duplicated", "backwards"),
        blinded=("inbox", "sequence"),
    ),
    Mutant(
        "the outbox row is deleted before the ack",
        (
            *in_file(
                RELAY,
                (
                    "        await self._send(rows)\n"
                    '        await self._database.pool.execute(DELETE, [row["id"] for row in rows])',
                    '        await self._database.pool.execute(DELETE, [row["id"] for row in rows])\n'
                    "        await asyncio.sleep(0.1)\n"  # drawn out, like the others' moments in the witness
                    "        await self._send(rows)",
                ),
            ),
            *NO_WAITING_FOR_A_GAP,
        ),
        faults=("relay:deleted", "relay:deleted", "reader"),
        breaks="what a relay had in its hands when it was killed is nowhere any more",
        caught_by=("lost",),
        blinded=("sequence: waiting for a gap",),
    ),
    Mutant(
        "no streams row",
        in_file(
            "shared/messaging/outbox.py",
            (
                "    ON CONFLICT (topic, key) DO UPDATE SET next = streams.next + excluded.next - 1\n"
                "    RETURNING topic, key, next",
                "    ON CONFLICT (topic, key) DO UPDATE SET next = excluded.next\n    RETURNING topic, key, next",
            ),
            (
                "    SELECT topic, key, count(*) + 1 FROM said GROUP BY topic, key ORDER BY topic, key",
                "    SELECT topic, key, count(*) + coalesce((SELECT max(s.next) FROM streams s"
                " WHERE s.topic = said.topic AND s.key = said.key), 1)"
                " FROM said GROUP BY topic, key ORDER BY topic, key",
            ),
        ),
        breaks="two transactions give the same number of a key to two events",
        caught_by=("lost", "reordered"),
    ),
    Mutant(
        "a batch is grouped by type without waves",
        in_file(
            "shared/messaging/apply.py",
            (
                "for wave in waves([e for e in events if e.event is not None]):",
                "for wave in [[e for e in events if e.event is not None]]:",
            ),
        ),
        breaks="events of one key overtake one another when they are of two types",
        caught_by=("reordered",),
    ),
    Mutant(
        "publish before commit",
        in_file(
            "shared/messaging/transaction.py",
            ("import asyncpg\nimport orjson", "import asyncio\n\nimport asyncpg\nimport orjson"),
            (
                "            yield tx\n            await tx.flush()\n",
                "            yield tx\n"
                "            if tx._said:\n"
                "                said, tx._said = tx._said, []\n"
                "                async with self.pool.acquire() as early, early.transaction():\n"
                "                    await write_joined(early, [outbox.writing(said, tx.now)])\n"
                "                await asyncio.sleep(0.05)\n"  # drawn out, like the others' moments in the witness
                "            await tx.flush()\n",
            ),
        ),
        faults=("writer", "reader", "writer"),
        breaks="the world hears of what was rolled back when the process was killed, and hears it again",
        caught_by=("invented", "duplicated"),
    ),
    Mutant(
        "two relays on a shard",
        (
            *BLIND,
            *in_file(
                RELAY,
                (
                    "sent = await self._drain_once(sorted(shards)) if shards else 0",
                    "sent = await self._drain_once(list(range(outbox.SHARDS)))",
                ),
            ),
        ),
        faults=("writer",),
        breaks="both send the same rows, one after the other has gone on",
        caught_by=("duplicated",),
        blinded=("inbox", "sequence"),
    ),
    Mutant(
        "order by xid",
        (*BY_XID, *NO_SEQUENCE),
        faults=("writer",),
        breaks="a transaction may have its number long before it has the key's lock: order is not that of commits",
        caught_by=("reordered",),
        blinded=("sequence",),
    ),
    Mutant(
        "what is stale is dropped, and nobody waits for a gap",
        (*BY_XID, *NO_WAITING_FOR_A_GAP),
        faults=("writer",),
        breaks="whatever comes late once, by any other mistake (here: order by xid), is thrown away in silence",
        caught_by=("lost",),
    ),
    Mutant(
        "`earliest` on a lost offset",
        (
            *BLIND,
            *in_file(
                "shared/messaging/partitions.py",
                (
                    'self._halt(partition, "stored offset is outside the log")\n        return {',
                    "await self._database.pool.execute(\n"
                    '                    "UPDATE offsets SET next = $4 WHERE grp = $1 AND topic = $2 AND partition = $3",\n'
                    "                    self._group, *partition, first[place],\n"
                    "                )\n"
                    "                stored[partition] = first[place]\n"
                    "        return {",
                ),
            ),
        ),
        faults=("lose",),
        breaks="an offset that nobody can explain makes everything come again, before a human has looked",
        caught_by=("duplicated",),
        blinded=("inbox", "sequence"),
    ),
    Mutant(
        "park on the alarm topic",
        in_file(
            CONSUMER,
            (
                'never_parked={t.name for t in topics if t.lane == "crisis"}',
                "never_parked=frozenset()",
            ),
        ),
        faults=("ring", "reader"),
        breaks="an alarm waits behind another one of its case that failed",
        caught_by=("parked",),
    ),
    Mutant(
        "redrive without the block's lock",
        in_file(
            "shared/messaging/redrive.py",
            (
                '    await tx.connection.execute(LOCK_BLOCK, reader.group, letter["topic"], letter["key"])\n',
                "",
            ),
        ),
        faults=("poison",),
        seconds=14.0,
        breaks="what a batch in flight parks after the block was looked at is never taken up",
        caught_by=("parked", "lost"),
    ),
)
