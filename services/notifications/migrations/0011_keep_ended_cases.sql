-- Cases that have ended, and since when that is known here: whenever what is said of them comes, nothing is sent about
-- them but that an hour is given back.
CREATE TABLE ended_cases (
    case_id uuid PRIMARY KEY,
    heard_at timestamptz NOT NULL
);

CREATE OR REPLACE VIEW journey AS
SELECT case_id, planned_at AS at, 'message_planned' AS step, purpose AS detail,
    CASE WHEN state IN ('planned', 'sending')
        THEN coalesce(reason || ', ', '') || 'next at ' || to_char(next_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    END AS waits_for, traceparent
FROM messages
UNION ALL
SELECT m.case_id, t.tried_at, 'message_tried', m.purpose || ' by ' || t.channel || ': ' || t.reason, NULL, m.traceparent
FROM failed_tries t JOIN messages m ON m.id = t.message_id
UNION ALL
SELECT case_id, sent_at, 'message_sent', concat_ws(' by ', purpose, channel), NULL, traceparent
FROM messages WHERE sent_at IS NOT NULL
UNION ALL
SELECT case_id, settled_at, 'message_' || state,
    CASE state WHEN 'skipped' THEN purpose || ': not sent, ' || CASE reason
            WHEN 'cancelled' THEN 'the hour was cancelled'
            WHEN 'superseded' THEN 'something newer is told'
            WHEN 'hour_over' THEN 'the hour is over'
            WHEN 'corrected' THEN 'it was said by mistake'
            WHEN 'case_ended' THEN 'the request has ended'
            WHEN 'stopped' THEN 'they want no messages'
            WHEN 'too_late' THEN 'it would come too late'
            WHEN 'no_safe_window' THEN 'there is no safe time before it is too late'
            WHEN 'no_channel' THEN 'there is no way they allow'
            WHEN 'no_address' THEN 'there is no address'
            WHEN 'contact_unconfirmed' THEN 'nobody has confirmed the address lately'
            ELSE coalesce(reason, 'for no reason that is known') END
        ELSE concat_ws(': ', concat_ws(' by ', purpose, channel), reason) END,
    NULL, traceparent
FROM messages WHERE settled_at IS NOT NULL
UNION ALL
SELECT t.case_id, t.opened_at, 'task_opened', 'tell_by_hand',
    CASE WHEN t.closed_at IS NULL
        THEN 'a coordinator, by ' || to_char(t.due_by AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    END, m.traceparent
FROM tasks t JOIN messages m ON m.id = t.message_id
UNION ALL
SELECT t.case_id, t.closed_at, 'task_closed', 'tell_by_hand: ' || t.outcome, NULL, m.traceparent
FROM tasks t JOIN messages m ON m.id = t.message_id WHERE t.closed_at IS NOT NULL;
