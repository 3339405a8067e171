-- Places and calendars are ours; therapists are folded from matching's topic.

-- The lock row of whatever can be reserved. Every writer that takes hours locks these first, in order of id.
CREATE TABLE resources (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('therapist', 'room', 'person'))
);

CREATE TABLE sites (
    site_id uuid PRIMARY KEY,
    version int NOT NULL,
    organisation text NOT NULL,
    city text NOT NULL,
    latitude double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    time_zone text NOT NULL,
    step_free boolean NOT NULL,
    directions jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'closed')),
    changed_at timestamptz NOT NULL
);

CREATE TABLE rooms (
    room_id uuid PRIMARY KEY REFERENCES resources,
    version int NOT NULL,
    site_id uuid NOT NULL REFERENCES sites,
    status text NOT NULL CHECK (status IN ('open', 'closed')),
    changed_at timestamptz NOT NULL
);
CREATE INDEX rooms_by_site ON rooms (site_id);

CREATE TABLE calendars (
    therapist_id uuid PRIMARY KEY REFERENCES resources,
    version int NOT NULL,
    time_zone text NOT NULL,
    buffer_minutes int NOT NULL CHECK (buffer_minutes BETWEEN 0 AND 120),
    notice_minutes int NOT NULL CHECK (notice_minutes BETWEEN 0 AND 43200),
    horizon_days int NOT NULL CHECK (horizon_days BETWEEN 1 AND 92),
    changed_at timestamptz NOT NULL
);

-- Weekly, in the calendar's local wall time: ISO day, minutes after midnight. Nobody is in two places at once.
CREATE TABLE rules (
    therapist_id uuid NOT NULL REFERENCES calendars,
    position smallint NOT NULL,
    day smallint NOT NULL CHECK (day BETWEEN 1 AND 7),
    starts int NOT NULL CHECK (starts >= 0 AND starts % 15 = 0),
    ends int NOT NULL CHECK (ends <= 1440 AND ends % 15 = 0),
    lane text NOT NULL CHECK (lane IN ('online', 'in_person')),
    site_id uuid REFERENCES sites,
    PRIMARY KEY (therapist_id, position),
    CHECK (starts < ends),
    CHECK ((lane = 'in_person') = (site_id IS NOT NULL)),
    EXCLUDE USING gist (therapist_id WITH =, day WITH =, lane WITH =, int4range(starts, ends) WITH &&)
);

CREATE TABLE therapists (
    therapist_id uuid PRIMARY KEY,
    organisation text NOT NULL,
    status text NOT NULL,
    weekly_limit int NOT NULL,
    changed_at timestamptz NOT NULL
);

-- The limit is kept where the hour is taken. `most` is the therapist's limit, or what is used already when
-- the limit was lowered below it: then nothing more can be taken, and nothing that stands is lost.
CREATE TABLE weekly_load (
    therapist_id uuid NOT NULL,
    week date NOT NULL CHECK (extract(isodow FROM week) = 1),
    used int NOT NULL CHECK (used >= 0),
    most int NOT NULL,
    PRIMARY KEY (therapist_id, week),
    CHECK (used <= most)
) WITH (fillfactor = 70);

-- One row per case, locked before everything else: the highest attempt decided and the highest withdrawn.
CREATE TABLE case_fences (
    case_id uuid PRIMARY KEY,
    attempt int NOT NULL DEFAULT 0,
    withdrawn int NOT NULL DEFAULT 0,
    care_stopped boolean NOT NULL DEFAULT false,
    care_changed_at timestamptz,
    sought_at timestamptz,
    no_slot_reason text,
    traceparent text
) WITH (fillfactor = 70);

-- `buffer_minutes` and `week` are those of the moment it was booked: a calendar may change, and what is
-- reserved and counted must be found again.
CREATE TABLE appointments (
    appointment_id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES case_fences,
    match_id uuid NOT NULL,
    attempt int NOT NULL,
    version int NOT NULL,
    state text NOT NULL CHECK (state IN ('booked', 'cancelled')),
    therapist_id uuid NOT NULL,
    organisation text NOT NULL,
    lane text NOT NULL CHECK (lane IN ('online', 'in_person')),
    modality text NOT NULL,
    site_id uuid,
    room_id uuid,
    attendee_ids uuid[] NOT NULL,
    person_ids uuid[] NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    buffer_minutes int NOT NULL,
    week date NOT NULL,
    time_zone text NOT NULL,
    booked_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    reason text,
    booked_trace text,
    changed_trace text,
    CHECK (starts_at < ends_at),
    CHECK ((lane = 'in_person') = (site_id IS NOT NULL)),
    CHECK ((lane = 'in_person') = (room_id IS NOT NULL)),
    CHECK (cardinality(attendee_ids) = cardinality(person_ids) AND cardinality(person_ids) > 0)
) WITH (fillfactor = 80);
-- A case never has two first appointments, whichever lane is slower.
CREATE UNIQUE INDEX one_first_appointment ON appointments (case_id) WHERE state = 'booked';
CREATE INDEX appointments_by_case ON appointments (case_id);

-- A booking is a set of these: the therapist with the buffers, the room, each person. This one table makes
-- every double booking impossible, whatever the code does. No foreign keys: resources are locked and
-- appointments written in the same transaction, and the views below find what does not belong together.
CREATE TABLE reservations (
    appointment_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    during tstzrange NOT NULL,
    held_until timestamptz,
    PRIMARY KEY (appointment_id, resource_id),
    CHECK (NOT isempty(during)),
    CHECK (lower_inc(during) AND NOT upper_inc(during) AND NOT lower_inf(during) AND NOT upper_inf(during)),
    CONSTRAINT nobody_twice EXCLUDE USING gist (resource_id WITH =, during WITH &&)
);
CREATE INDEX reservations_held ON reservations (held_until) WHERE held_until IS NOT NULL;
