-- Who on the rota is paged besides the duty desk for an alarm that nobody has taken in time; nobody where nobody is on, so that
-- there is no next page either. A row lasts until somebody has the alarm. `said_at` is when they were asked.
CREATE TABLE rota_pages (
    alarm_id uuid PRIMARY KEY REFERENCES alarms,
    staff_id text,
    page_id uuid NOT NULL,
    next_page_at timestamptz,
    tries int NOT NULL DEFAULT 0,
    said_at timestamptz NOT NULL,
    CHECK ((staff_id IS NULL) = (next_page_at IS NULL))
);
CREATE INDEX rota_pages_by_time ON rota_pages (next_page_at);
