-- One row: up to which case (their ids tell the order in which people asked) the system has given its first answer, and
-- when it last gave any. What was asked after it waits; whoever is told how long learns it from here.
CREATE TABLE pace (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    answered uuid NOT NULL,
    at timestamptz NOT NULL
) WITH (fillfactor = 10);
