-- What senders of many requests call each of them: the same reference again is the same request, however late the
-- file comes again. Kept for ever, unlike idempotency keys, and as a keyed hash (sender and reference), since what a
-- sender means as opaque may be a number of its patient.

CREATE TABLE bulk_references (
    reference bytea PRIMARY KEY,
    body_hash bytea NOT NULL,
    case_id uuid NOT NULL,
    sender text NOT NULL,
    at timestamptz NOT NULL
);
