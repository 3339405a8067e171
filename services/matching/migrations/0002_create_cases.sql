-- One row per case: the request as it was made, and how it stands here. `holder` is the therapist whose load counts
-- it, `held_until` the end of the booked hour. Attempts up to `tries_from` belong to an earlier search.
CREATE TABLE cases (
    case_id uuid PRIMARY KEY,
    person_id uuid,
    request json,
    state text NOT NULL CHECK (state IN ('held', 'matched', 'booked', 'cancelled', 'waitlisted', 'withdrawn')),
    attempt int NOT NULL,
    tries_from int NOT NULL,
    match_id uuid,
    lane text CHECK (lane IN ('online', 'in_person')),
    holder uuid,
    held_until timestamptz,
    appointment_version int NOT NULL,
    reason text,
    next_review timestamptz,
    changed_at timestamptz NOT NULL,
    traceparent text,
    CHECK ((holder IS NULL) OR state IN ('matched', 'booked')),
    CHECK ((reason IS NOT NULL) = (state = 'waitlisted'))
) WITH (fillfactor = 80);
CREATE INDEX cases_by_end_of_hour ON cases (held_until) WHERE holder IS NOT NULL AND state = 'booked';

-- Why: for each attempt how many therapists each rule left, and what each rule added for those who are asked.
-- It never leaves matching but to those who may ask why.
CREATE TABLE match_explanations (
    case_id uuid NOT NULL,
    attempt int NOT NULL,
    match_id uuid,
    modality text,
    lane text,
    candidates uuid[] NOT NULL,
    reason text,
    rule_version text NOT NULL,
    explained jsonb NOT NULL,
    decided_at timestamptz NOT NULL,
    traceparent text,
    PRIMARY KEY (case_id, attempt)
);

-- Alarms as the crisis group hears them; an open one moves its case forward.
CREATE TABLE alarms (
    alarm_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    priority int NOT NULL,
    closed boolean NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX alarms_open ON alarms (case_id) WHERE NOT closed;

-- Hours that are over count no longer: one row that comes again and again.
INSERT INTO due (kind, key, at) VALUES ('past_hours', 'all', now());

-- What operators may see of a case: each attempt, and how it stands now.
CREATE VIEW journey AS
SELECT case_id, decided_at AS at, CASE WHEN match_id IS NULL THEN 'not_matched' ELSE 'matched' END AS step,
    concat_ws(' ', 'attempt', attempt::text, lane, modality, reason) AS detail, NULL::text AS waits_for, traceparent
FROM match_explanations
UNION ALL
SELECT case_id, changed_at, state, concat_ws(' ', 'attempt', attempt::text, lane, reason),
    CASE state WHEN 'matched' THEN 'an hour from scheduling' WHEN 'held' THEN 'the gate of the case'
        WHEN 'waitlisted' THEN 'the review on ' || to_char(next_review AT TIME ZONE 'UTC', 'YYYY-MM-DD') END,
    traceparent
FROM cases;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'console') THEN
        GRANT SELECT ON journey TO console;
    END IF;
END
$$;
