"""The same four steps as others would write them: FastStream, DBOS, Temporal, and ourselves, on one Kafka and one PostgreSQL.

Taking a request in, finding a therapist, booking an hour, telling the person. The decisions are our own pure functions and
the tables are ours with all their constraints, so what differs is the way from one step to the next. The peers have no outbox,
inbox, numbered streams, audit, crisis lane, console, partners or idempotency keys: what is left out is left out in their favour.
"""
