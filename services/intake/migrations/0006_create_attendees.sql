-- Others who take part in a case. Each is a person with a handle, a contact, a code and a consent of their own; the one
-- who asked stays in `cases`. What somebody answered is not shown to the one who asked.
CREATE TABLE attendees (
    attendee_id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases,
    person_id uuid NOT NULL UNIQUE,
    role text NOT NULL CHECK (role IN ('partner', 'family', 'guardian')),
    consent text NOT NULL CHECK (consent IN ('pending', 'invited', 'given', 'declined')),
    code text NOT NULL UNIQUE,
    changed_at timestamptz NOT NULL
);
CREATE INDEX attendees_by_case ON attendees (case_id);

-- Whose consent the gate waits for; before this only guardians were waited for.
ALTER TABLE cases ADD COLUMN awaits text CHECK (awaits IN ('guardian', 'participant'));
UPDATE cases SET awaits = 'guardian' WHERE gate = 'waits_for_consent';

CREATE OR REPLACE VIEW journey AS
SELECT c.case_id, c.submitted_at AS at, 'asked for care' AS step, 'gate ' || c.gate AS detail,
    CASE WHEN s.case_id IS NULL AND w.case_id IS NULL THEN
        CASE c.gate WHEN 'open' THEN 'system' WHEN 'waits_for_consent' THEN c.awaits ELSE 'clinician' END
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
