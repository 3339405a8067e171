-- What is true now, folded from other services' topics; nothing here is told to anybody else.

-- A row without channels is a mark that somebody asks for this person's contact: it makes the asker and the
-- one who brings it meet in a row lock, so that neither misses the other.
CREATE TABLE contacts (
    person_id uuid PRIMARY KEY,
    channels text[],
    language text,
    script text,
    windows jsonb,
    time_zone text,
    owner text,
    confirmed_until timestamptz,
    box text,
    box_version int,
    changed_at timestamptz
);

CREATE TABLE stops (
    person_id uuid PRIMARY KEY,
    stopped boolean NOT NULL,
    changed_at timestamptz NOT NULL
);

-- Directions are kept only where they are neutral. A row without a city is a mark, as in contacts.
CREATE TABLE sites (
    site_id uuid PRIMARY KEY,
    city text,
    directions jsonb,
    changed_at timestamptz
);

CREATE TABLE appointments (
    appointment_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    version int NOT NULL,
    attempt int NOT NULL,
    state text NOT NULL CHECK (state IN ('booked', 'cancelled')),
    start timestamptz NOT NULL,
    time_zone text NOT NULL,
    modality text NOT NULL,
    site_id uuid
) WITH (fillfactor = 80);
CREATE INDEX appointments_by_case ON appointments (case_id);

-- One message to one person. `due_at` is what was planned; `next_at` is when it is looked at next: that time,
-- the start of a safe window, the end of a back-off, or of the lease of whoever is sending it. `tried_by` is
-- set while a try has no recorded outcome; a row in state `planned` never has it. The unique key says what is
-- told once, and by beginning with the case it serves the journey and the taking back too.
CREATE TABLE messages (
    id uuid PRIMARY KEY,
    subject_id uuid NOT NULL,
    person_id uuid NOT NULL,
    case_id uuid NOT NULL,
    appointment_id uuid,
    version int NOT NULL,
    purpose text NOT NULL,
    due_at timestamptz NOT NULL,
    next_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'planned'
        CHECK (state IN ('planned', 'sending', 'delivered', 'failed', 'skipped')),
    tries smallint NOT NULL DEFAULT 0,
    tried_by text,
    claim uuid,
    channel text,
    language text,
    template_version text,
    parts smallint,
    reason text,
    gateway_id text,
    traceparent text,
    planned_at timestamptz NOT NULL,
    settled_at timestamptz,
    UNIQUE (case_id, subject_id, person_id, purpose, version)
) WITH (
    fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX messages_open_by_time ON messages (next_at) WHERE state IN ('planned', 'sending');
CREATE INDEX messages_planned_by_person ON messages (person_id) WHERE state = 'planned';

-- Alarms to be paged, and the pages. Never part of the journey view and never told on another topic: that
-- an alarm exists is for the duty desk alone.
CREATE TABLE alarms (
    alarm_id uuid PRIMARY KEY,
    level text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'acknowledged', 'closed')),
    page_id uuid NOT NULL,
    next_page_at timestamptz NOT NULL,
    tries int NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL
);
CREATE INDEX alarms_open_by_time ON alarms (next_page_at) WHERE state = 'open';

CREATE TABLE pages (
    page_id uuid PRIMARY KEY,
    alarm_id uuid NOT NULL,
    sent_at timestamptz NOT NULL
);
CREATE INDEX pages_by_alarm ON pages (alarm_id);

CREATE VIEW journey AS
SELECT case_id, planned_at AS at, 'message_planned' AS step, purpose AS detail,
    CASE WHEN state IN ('planned', 'sending')
        THEN coalesce(reason || ', ', '') || 'next at ' || to_char(next_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    END AS waits_for, traceparent
FROM messages
UNION ALL
SELECT case_id, settled_at, 'message_' || state, concat_ws(' ', purpose, channel, reason), NULL, traceparent
FROM messages WHERE settled_at IS NOT NULL;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'console') THEN
        GRANT SELECT ON journey TO console;
    END IF;
END
$$;
