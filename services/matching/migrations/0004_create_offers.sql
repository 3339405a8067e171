-- Requests that change, offers from which a person chooses, and a waiting list that is served in order.
ALTER TABLE cases ADD COLUMN request_version int NOT NULL DEFAULT 0;
ALTER TABLE cases DROP CONSTRAINT cases_state_check;
ALTER TABLE cases ADD CONSTRAINT cases_state_check
    CHECK (state IN ('held', 'offered', 'matched', 'booked', 'cancelled', 'waitlisted', 'withdrawn'));
CREATE INDEX cases_waiting ON cases (case_id) WHERE state = 'waitlisted';

-- What a person may choose from. One that was decided is never altered again. `options` are in the order of the
-- rules, each with its therapist and, in person, the sites within reach; `chosen` is the therapist of `option_id`.
CREATE TABLE offers (
    match_id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES cases,
    attempt int NOT NULL,
    request_version int NOT NULL,
    modality text NOT NULL,
    options jsonb NOT NULL,
    offered_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'accepted', 'declined', 'expired', 'superseded', 'withdrawn')),
    option_id uuid,
    chosen uuid,
    reason text,
    decided_at timestamptz,
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK ((state = 'accepted') = (option_id IS NOT NULL AND chosen IS NOT NULL)),
    CHECK ((state = 'declined') = (reason IS NOT NULL))
);
CREATE UNIQUE INDEX offers_one_open ON offers (case_id) WHERE state = 'open';
CREATE INDEX offers_by_case ON offers (case_id);

-- Other help meanwhile: offered once for each reason for which a case waits.
CREATE TABLE alternatives (
    case_id uuid NOT NULL REFERENCES cases,
    reason text NOT NULL,
    kind text NOT NULL,
    attempt int NOT NULL,
    offered_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, reason)
);

-- The transaction that last took something off a therapist's load: that is when others may have their place.
ALTER TABLE loads ADD COLUMN freed_by xid8 NOT NULL DEFAULT '0';

-- The look at whether capacity has risen: one row that comes again and again.
INSERT INTO due (kind, key, at) VALUES ('wake', 'all', now());

CREATE OR REPLACE VIEW journey AS
SELECT case_id, decided_at AS at, CASE WHEN match_id IS NULL THEN 'not_matched' ELSE 'matched' END AS step,
    concat_ws(' ', 'attempt', attempt::text, lane, modality, reason) AS detail, NULL::text AS waits_for, traceparent
FROM match_explanations
UNION ALL
SELECT case_id, changed_at, state, concat_ws(' ', 'attempt', attempt::text, lane, reason),
    CASE state WHEN 'matched' THEN 'an hour from scheduling' WHEN 'held' THEN 'the gate of the case'
        WHEN 'offered' THEN 'the choice of the person'
        WHEN 'waitlisted' THEN 'the review on ' || to_char(next_review AT TIME ZONE 'UTC', 'YYYY-MM-DD') END,
    traceparent
FROM cases;
