-- What a named human decided about a gate that an alarm had closed: since when it stands so, and for what a case that
-- does not go on waits. `gate` says `waits_for_human` all the while, which is what matching has to know of it.
ALTER TABLE cases
    ADD COLUMN gate_since timestamptz,
    ADD COLUMN paused_for text CHECK (paused_for IN ('helped_elsewhere', 'not_asked_yet'));

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
FROM withdrawals w JOIN cases c USING (case_id);
