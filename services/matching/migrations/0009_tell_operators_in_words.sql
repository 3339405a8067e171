-- What an operator reads of a search: which it was, how they would meet, and why it came to nothing, told apart.
CREATE OR REPLACE VIEW journey AS
SELECT case_id, decided_at AS at, CASE WHEN match_id IS NULL THEN 'not_matched' ELSE 'matched' END AS step,
    concat_ws(': ', concat_ws(', ', 'attempt ' || attempt, lane, modality), reason) AS detail, NULL::text AS waits_for, traceparent
FROM match_explanations
UNION ALL
SELECT case_id, changed_at, state, concat_ws(': ', concat_ws(', ', 'attempt ' || attempt, lane), reason),
    CASE state WHEN 'matched' THEN 'an hour from scheduling' WHEN 'held' THEN 'the gate of the case'
        WHEN 'offered' THEN 'the choice of the person'
        WHEN 'waitlisted' THEN 'the review on ' || to_char(next_review AT TIME ZONE 'UTC', 'YYYY-MM-DD') END,
    traceparent
FROM cases;
