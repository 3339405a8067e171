-- Until when a case is paused, and the end of its last pause: when, and after which attempt of matching. `pauses` keeps
-- who paused a case and who let it go on; `on_request` is the person's own wish, for whatever reason.
ALTER TABLE cases
    DROP CONSTRAINT cases_paused_for_check,
    ADD CONSTRAINT cases_paused_for_check CHECK (paused_for IN ('helped_elsewhere', 'not_asked_yet', 'on_request')),
    ADD COLUMN paused_until timestamptz CHECK (paused_until IS NULL OR paused_for IS NOT NULL),
    ADD COLUMN resumed_at timestamptz,
    ADD COLUMN resumed_after int;

CREATE TABLE pauses (
    pause_id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases,
    act text NOT NULL CHECK (act IN ('paused', 'resumed')),
    role text NOT NULL CHECK (role IN ('person', 'coordinator', 'clock')),
    staff_id text,
    staff_name text,
    until timestamptz,
    at timestamptz NOT NULL,
    CHECK ((role = 'coordinator') = (staff_id IS NOT NULL))
);
CREATE INDEX pauses_by_case ON pauses (case_id, at);

CREATE OR REPLACE VIEW journey AS
SELECT c.case_id, c.submitted_at AS at, 'asked for care' AS step, 'gate ' || c.gate AS detail,
    CASE WHEN s.case_id IS NULL AND w.case_id IS NULL THEN
        CASE WHEN c.paused_for IS NOT NULL THEN 'person' WHEN c.gate = 'open' THEN 'system'
            WHEN c.gate = 'waits_for_consent' THEN c.awaits ELSE 'clinician' END
    END AS waits_for,
    c.traceparent
FROM cases c LEFT JOIN standings s USING (case_id) LEFT JOIN withdrawals w USING (case_id)
UNION ALL
SELECT s.case_id, s.since, 'stands as ' || s.state, replace(s.fact, '_', ' '),
    CASE WHEN w.case_id IS NULL THEN nullif(s.waiting_on, 'nobody') END, c.traceparent
FROM standings s JOIN cases c USING (case_id) LEFT JOIN withdrawals w USING (case_id)
UNION ALL
SELECT w.case_id, w.at, 'taken back', w.reason, NULL, c.traceparent
FROM withdrawals w JOIN cases c USING (case_id)
UNION ALL
SELECT p.case_id, p.at, p.act, 'by the ' || p.role, NULL, c.traceparent
FROM pauses p JOIN cases c USING (case_id);
