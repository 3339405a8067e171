"""Ways to build the services wrongly: messages that go out untrue, unwanted or twice, positions with holes, cases with two
hours, hours that nobody may have."""

from tests.faults.mutants import Mutant, in_file

DIARY, MATCHES = "services/scheduling/repository/diary.py", "services/scheduling/handlers/matches.py"

OF_MESSAGES = (
    Mutant(
        "send before recording",
        in_file(
            "services/notifications/sender/messages.py",
            (
                "            async with self._database.transaction() as tx:\n"
                "                ours = await sending.mark_tried(tx, claim, chunk, channel, lease)\n"
                "            await self._send(claim, channel, ours, keys)",
                "            await self._send(claim, channel, chunk, keys)",
            ),
        ),
        faults=("sender killed while a mail server is slow to answer",),
        breaks="a mail whose sender was killed before it heard the answer goes out again",
        caught_by=("told_twice",),
    ),
    Mutant(
        "reminder decided at plan time",
        in_file(
            "services/notifications/domain/sending.py",
            (
                'reason = "stopped" if message.stopped else _outdated(message, now)',
                'reason = "stopped" if message.stopped else None',
            ),
        ),
        faults=("SMS gateway that does not answer",),
        breaks="what was under way when the hour was cancelled is sent all the same",
        caught_by=("told_what_was_cancelled",),
    ),
    Mutant(
        "stop by topic only",
        in_file(
            "services/notifications/gateways/vault.py",
            (
                "        body = orjson.dumps(",
                "        kept = self.__dict__.setdefault('_kept', {})\n"
                "        if all(person in kept for person in people):\n"
                "            return Keys({person: kept[person] for person in people}, {})\n"
                "        body = orjson.dumps(",
            ),
            (
                "            return _read(content, people)",
                "            kept.update(_read(content, people).keys)\n            return _read(content, people)",
            ),
        ),
        faults=("Kafka away when somebody stops their messages",),
        breaks="keys that are kept let a message pass that the vault would have stopped",
        caught_by=("told_after_stop",),
    ),
)
OF_PARTNERS = (
    Mutant(
        "partner position from the insert",
        (
            *in_file(
                "services/partners/migrations/0001_create_bookings.sql",
                ("CREATE TABLE organisations (", "CREATE SEQUENCE given;\nCREATE TABLE organisations ("),
            ),
            *in_file(
                "services/partners/repository/bookings.py",
                (
                    "SELECT organisation, listens, news, CASE WHEN listens THEN news ELSE 0 END",
                    "SELECT organisation, listens, news,"
                    " (SELECT max(nextval('given')) FROM generate_series(1, news))",
                ),
                (
                    "position = organisations.position\n"
                    "        + CASE WHEN organisations.listens OR excluded.listens THEN excluded.changes ELSE 0 END",
                    "position = excluded.position",
                ),
            ),
        ),
        faults=("worker killed with a batch in hand",),
        breaks="a position that was rolled back is never told: a partner waits for it for ever",
        caught_by=("gaps",),
    ),
)
OF_CASES = (
    Mutant(
        "higher attempt that does not release",
        (
            *in_file(
                MATCHES,
                (
                    "    await appointments.cancel(tx, [(one, SUPERSEDED) for one in superseded])",
                    "    superseded = []",
                ),
            ),
            *in_file(
                "services/scheduling/migrations/0001_create_appointments.sql",
                ("CREATE UNIQUE INDEX one_first_appointment", "CREATE INDEX one_first_appointment"),
            ),
        ),
        faults=("worker of the lane with the withdrawal killed",),
        breaks="a case has two first appointments while its other lane is slow",
        caught_by=("two_at_once",),
        blinded=("one live appointment a case, by index",),
    ),
    Mutant(
        "expired hold that still blocks",
        in_file(
            DIARY,
            (
                "DELETE FROM reservations WHERE held_until <= $4 AND",
                "DELETE FROM reservations WHERE false AND",
            ),
            (
                "SELECT resource_id, during FROM reservations WHERE held_until <= $4 AND",
                "SELECT resource_id, during FROM reservations WHERE false AND",
            ),
        ),
        faults=("sweeper that hangs with the hold in hand",),
        breaks="an hour that nobody has is given to nobody, for as long as the sweeper is away",
        caught_by=("refused",),
    ),
)
MUTANTS = (*OF_MESSAGES, *OF_PARTNERS, *OF_CASES)
PARTS = ("shared", "services/notifications", "services/partners", "services/scheduling")
