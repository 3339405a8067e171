-- Exceptions to the weekly rules, in the calendar's local wall time: on each of these days, minutes after midnight.
-- Whoever writes one touches the calendar's row too, by which everybody sees that its hours may have changed. One that
-- is taken back stays, so that a repeat of what made it does not bring it back.
CREATE TABLE exceptions (
    therapist_id uuid NOT NULL REFERENCES calendars,
    exception_id uuid NOT NULL,
    version int NOT NULL,
    kind text NOT NULL CHECK (kind IN ('time_off', 'extra_hours')),
    first_day date NOT NULL,
    last_day date NOT NULL,
    starts int NOT NULL CHECK (starts >= 0 AND starts % 15 = 0),
    ends int NOT NULL CHECK (ends <= 1440 AND ends % 15 = 0),
    lane text CHECK (lane IN ('online', 'in_person')),
    site_id uuid REFERENCES sites,
    changed_at timestamptz NOT NULL,
    withdrawn bool NOT NULL DEFAULT false,
    PRIMARY KEY (therapist_id, exception_id),
    CHECK (first_day <= last_day AND starts < ends),
    CHECK (site_id IS NULL OR lane IS NOT DISTINCT FROM 'in_person'),
    CHECK (kind = 'time_off' OR lane IS NOT NULL),
    CHECK (kind = 'time_off' OR (lane = 'in_person') = (site_id IS NOT NULL))
);
CREATE INDEX exceptions_by_site ON exceptions (site_id) WHERE site_id IS NOT NULL;

-- In which lanes and at which sites somebody has hours, every week or on some days.
CREATE VIEW workplaces AS
SELECT therapist_id, lane, site_id FROM rules
UNION
SELECT therapist_id, lane, site_id FROM exceptions WHERE kind = 'extra_hours' AND NOT withdrawn
    AND last_day >= current_date - 1;
