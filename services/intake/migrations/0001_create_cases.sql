-- Requests for care as they were made. Rows are written once, and locked by whoever changes how a case stands.
-- Answers and addresses are sealed with keys that live in another schema; nothing here opens them.

CREATE TABLE cases (
    case_id uuid PRIMARY KEY,
    case_code text NOT NULL UNIQUE,
    person_id uuid NOT NULL,
    attendee_id uuid NOT NULL,
    gate text NOT NULL CHECK (gate IN ('open', 'waits_for_consent', 'waits_for_human')),
    province text NOT NULL,
    card_language text NOT NULL,
    alarmed boolean NOT NULL,
    needs jsonb NOT NULL,
    triage jsonb NOT NULL,
    submitted_at timestamptz NOT NULL,
    traceparent text
);
CREATE INDEX cases_by_person ON cases (person_id);

CREATE TABLE consents (
    person_id uuid NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('care', 'contact')),
    state text NOT NULL CHECK (state IN ('given', 'withdrawn')),
    text_version text NOT NULL,
    language text NOT NULL,
    case_id uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (person_id, purpose, at)
);

CREATE TABLE contacts (
    person_id uuid PRIMARY KEY,
    channel text NOT NULL CHECK (channel IN ('sms', 'email', 'inbox')),
    box text CHECK ((box IS NULL) = (channel = 'inbox')),
    version int NOT NULL,
    language text NOT NULL,
    script text NOT NULL,
    owner text NOT NULL CHECK (owner IN ('own', 'shared', 'trusted')),
    safe_windows jsonb NOT NULL,
    confirmed_until timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE TABLE answers (
    case_id uuid NOT NULL,
    instrument text NOT NULL,
    instrument_version text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('self')),
    language text NOT NULL,
    box text NOT NULL,
    follow_up boolean NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, instrument)
);

CREATE TABLE withdrawals (
    case_id uuid PRIMARY KEY REFERENCES cases,
    reason text NOT NULL,
    at timestamptz NOT NULL
);

-- A projection of the other services' topics, which can be emptied and read again: the latest fact about a
-- case, how far its person was told, and what follows from it. A case without a row has not been spoken of.
CREATE TABLE standings (
    case_id uuid PRIMARY KEY,
    fact text CHECK (fact IN
        ('match_made', 'appointment_booked', 'appointment_cancelled', 'match_withdrawn', 'case_waitlisted')),
    attempt int,
    revision int,
    fact_at timestamptz,
    fact_until timestamptz,
    fact_reason text,
    appointment_id uuid,
    tellings jsonb NOT NULL,
    version int NOT NULL,
    state text NOT NULL,
    waiting_on text NOT NULL,
    since timestamptz NOT NULL
) WITH (fillfactor = 60);

CREATE TABLE alarms (
    alarm_id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases,
    person_id uuid NOT NULL,
    level text NOT NULL CHECK (level IN ('R1', 'R2', 'R3')),
    rule text NOT NULL,
    rule_version text NOT NULL,
    province text NOT NULL,
    languages text[] NOT NULL,
    reachable boolean NOT NULL,
    raised_at timestamptz NOT NULL,
    due_by timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'acknowledged', 'closed')),
    acknowledged_by text,
    acknowledged_name text,
    acknowledged_at timestamptz,
    closed_by text,
    closed_name text,
    closed_at timestamptz,
    outcome text,
    reason text,
    CHECK ((state = 'open') = (acknowledged_by IS NULL)),
    CHECK ((state = 'closed') = (closed_by IS NOT NULL AND outcome IS NOT NULL AND reason IS NOT NULL))
);
CREATE INDEX alarms_by_case ON alarms (case_id);
CREATE INDEX alarms_unclosed ON alarms (due_by, alarm_id) WHERE state <> 'closed';

-- Wrong tries at a case code, whether or not there is such a case.
CREATE TABLE session_tries (
    code text PRIMARY KEY,
    failures int NOT NULL,
    last_failed_at timestamptz NOT NULL
);
CREATE INDEX session_tries_by_age ON session_tries (last_failed_at);

-- What operators may see: that somebody asked, and what the case waits for. No alarm, no need.
CREATE VIEW journey AS
SELECT c.case_id, c.submitted_at AS at, 'asked for care' AS step, 'gate ' || c.gate AS detail,
    CASE WHEN s.case_id IS NULL AND w.case_id IS NULL THEN
        CASE c.gate WHEN 'open' THEN 'system' WHEN 'waits_for_consent' THEN 'guardian' ELSE 'clinician' END
    END AS waits_for,
    c.traceparent
FROM cases c LEFT JOIN standings s USING (case_id) LEFT JOIN withdrawals w USING (case_id)
UNION ALL
SELECT s.case_id, s.since, 'stands as ' || s.state, replace(s.fact, '_', ' '),
    CASE WHEN w.case_id IS NULL THEN nullif(s.waiting_on, 'nobody') END, c.traceparent
FROM standings s JOIN cases c USING (case_id) LEFT JOIN withdrawals w USING (case_id)
UNION ALL
SELECT w.case_id, w.at, 'taken back', w.reason, NULL, c.traceparent
FROM withdrawals w JOIN cases c USING (case_id);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'console') THEN
        GRANT SELECT ON journey TO console;
        GRANT SELECT (case_id, case_code) ON cases TO console;
    END IF;
END
$$;
