-- Which of the person's channels will not take the message: the next try goes by the next one they allowed.
ALTER TABLE messages ADD COLUMN given_up text[] NOT NULL DEFAULT '{}';

-- Tries that came to nothing, each with its channel and why; what a message ended with stands in its own row.
CREATE TABLE failed_tries (
    message_id uuid NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    number int NOT NULL,
    channel text NOT NULL,
    reason text NOT NULL,
    tried_at timestamptz NOT NULL,
    PRIMARY KEY (message_id, number)
);

CREATE OR REPLACE VIEW journey AS
SELECT case_id, planned_at AS at, 'message_planned' AS step, purpose AS detail,
    CASE WHEN state IN ('planned', 'sending')
        THEN coalesce(reason || ', ', '') || 'next at ' || to_char(next_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    END AS waits_for, traceparent
FROM messages
UNION ALL
SELECT m.case_id, t.tried_at, 'message_tried', concat_ws(' ', m.purpose, t.channel, t.reason), NULL, m.traceparent
FROM failed_tries t JOIN messages m ON m.id = t.message_id
UNION ALL
SELECT case_id, settled_at, 'message_' || state, concat_ws(' ', purpose, channel, reason), NULL, traceparent
FROM messages WHERE settled_at IS NOT NULL;
