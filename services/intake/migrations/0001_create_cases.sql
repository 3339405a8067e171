-- Requests for care as they were made. Rows are written once; how a case stands is in `standings`.
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

-- How a case stands: the latest fact of the other services, and what follows from it for the person.
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
    by_person boolean NOT NULL DEFAULT false,
    tellings jsonb NOT NULL DEFAULT '{}',
    withdrawn_at timestamptz,
    withdraw_reason text,
    state text NOT NULL CHECK (state IN ('held', 'matching', 'waitlisted', 'booked', 'paused', 'closed')),
    waiting_on text NOT NULL CHECK (waiting_on IN
        ('person', 'guardian', 'clinician', 'system', 'capacity', 'nobody')),
    since timestamptz NOT NULL,
    until timestamptz,
    reason text,
    next_step text NOT NULL,
    version int NOT NULL DEFAULT 1
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
SELECT case_id, submitted_at AS at, 'asked for care' AS step, 'the request was accepted' AS detail,
    NULL::text AS waits_for, traceparent
FROM cases
UNION ALL
SELECT s.case_id, s.since, 'stands as ' || s.state, coalesce(s.reason, s.next_step),
    nullif(s.waiting_on, 'nobody'), c.traceparent
FROM standings s JOIN cases c USING (case_id);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'console') THEN
        GRANT SELECT ON journey TO console;
        GRANT SELECT (case_id, case_code) ON cases TO console;
    END IF;
END
$$;
