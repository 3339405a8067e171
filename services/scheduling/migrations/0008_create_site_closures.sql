-- Days and hours on which a site takes nobody, in its own local wall time. Calendars carry those of their sites.
CREATE TABLE site_closures (
    site_id uuid NOT NULL REFERENCES sites,
    closure_id uuid NOT NULL,
    version int NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    starts int NOT NULL CHECK (starts >= 0 AND starts % 15 = 0),
    ends int NOT NULL CHECK (ends <= 1440 AND ends % 15 = 0),
    withdrawn bool NOT NULL DEFAULT false,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, closure_id),
    CHECK (first_day <= last_day AND starts < ends)
);
