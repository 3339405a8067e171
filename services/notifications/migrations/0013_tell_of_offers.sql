-- The newest proposal of each case and whether it still waits for an answer: looked at when a message about it is due.
CREATE TABLE offers (
    case_id uuid PRIMARY KEY,
    match_id uuid NOT NULL,
    attempt int NOT NULL,
    expires_at timestamptz NOT NULL,
    open boolean NOT NULL
);
