-- A gateway accepted it (`sent`), and the handset got it (`delivered`): two moments, the later one by a receipt. Mail has none.
ALTER TABLE messages
    ADD COLUMN sent_at timestamptz,
    DROP CONSTRAINT messages_state_check,
    ADD CONSTRAINT messages_state_check
        CHECK (state IN ('planned', 'sending', 'sent', 'delivered', 'failed', 'skipped'));

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
SELECT case_id, sent_at, 'message_sent', concat_ws(' ', purpose, channel), NULL, traceparent
FROM messages WHERE sent_at IS NOT NULL
UNION ALL
SELECT case_id, settled_at, 'message_' || state, concat_ws(' ', purpose, channel, reason), NULL, traceparent
FROM messages WHERE settled_at IS NOT NULL;
