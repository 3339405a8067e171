-- Public holidays, as coordinators enter what was notified. Only what is confirmed closes the weekly rules, in calendars of
-- its zone; extra hours stay open, for whoever works on a holiday says so there.
CREATE TABLE holidays (
    holiday_id text PRIMARY KEY,
    version int NOT NULL,
    name text NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    time_zone text NOT NULL,
    status text NOT NULL CHECK (status IN ('tentative', 'confirmed', 'cancelled')),
    source text NOT NULL,
    verified_on date,
    changed_at timestamptz NOT NULL,
    CHECK (first_day <= last_day),
    CHECK (status <> 'confirmed' OR verified_on IS NOT NULL)
);
CREATE INDEX calendars_by_zone ON calendars (time_zone);
