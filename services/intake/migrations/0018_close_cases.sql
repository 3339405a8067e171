-- How a case ended: taken back, or closed by named staff. `seen_by` is with whom its last hour is or was, by attempt and
-- version of the appointment; a case whose hours were heard of before has none until its next hour is spoken of.
ALTER TABLE withdrawals
    ADD COLUMN role text CHECK (role IN ('therapist', 'coordinator')),
    ADD COLUMN staff_id text,
    ADD COLUMN staff_name text,
    ADD CHECK ((role IS NULL) = (staff_id IS NULL) AND (role IS NULL) = (staff_name IS NULL));
ALTER TABLE standings
    ADD COLUMN seen_by uuid,
    ADD COLUMN seen_attempt int,
    ADD COLUMN seen_version int,
    ADD CHECK ((seen_by IS NULL) = (seen_attempt IS NULL) AND (seen_by IS NULL) = (seen_version IS NULL));

-- Operators see by which role a case was closed; the reason tells something of the care, and stays here.
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
SELECT w.case_id, w.at, CASE WHEN w.role IS NULL THEN 'taken back' ELSE 'closed' END,
    coalesce('by the ' || w.role, w.reason), NULL, c.traceparent
FROM withdrawals w JOIN cases c USING (case_id)
UNION ALL
SELECT p.case_id, p.at, p.act, 'by the ' || p.role, NULL, c.traceparent
FROM pauses p JOIN cases c USING (case_id);
