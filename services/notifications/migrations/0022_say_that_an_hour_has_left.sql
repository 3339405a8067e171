-- The view says what `moved_away` means; nothing else in it is new.
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
FROM tasks t JOIN messages m ON m.id = t.message_id WHERE t.closed_at IS NOT NULL
UNION ALL
SELECT m.case_id, c.opened_at, 'task_opened', c.kind || ' for ' || m.purpose,
    CASE WHEN c.closed_at IS NULL
        THEN 'a coordinator, by ' || to_char(c.due_by AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    END, m.traceparent
FROM calls c JOIN messages m ON m.id = c.message_id
UNION ALL
SELECT m.case_id, c.closed_at, 'task_closed', c.kind || ': ' || c.outcome, NULL, m.traceparent
FROM calls c JOIN messages m ON m.id = c.message_id WHERE c.closed_at IS NOT NULL
UNION ALL
SELECT case_id, noted_at, 'staff_message_planned', purpose,
    CASE WHEN state IN ('waiting', 'gathered')
        THEN 'gathered at ' || to_char(due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    END, NULL
FROM staff_news
UNION ALL
SELECT case_id, settled_at, 'staff_message_' || state,
    CASE state WHEN 'skipped' THEN purpose || ': not sent, ' || CASE reason
            WHEN 'no_number' THEN 'there is no number of theirs'
            WHEN 'own_doing' THEN 'they did it themselves'
            WHEN 'cancelled' THEN 'the hour was cancelled'
            WHEN 'superseded' THEN 'something newer is told'
            WHEN 'moved_away' THEN 'the hour has left their site'
            WHEN 'hour_over' THEN 'the hour is over'
            ELSE coalesce(reason, 'for no reason that is known') END
        ELSE concat_ws(': ', purpose || ' by sms', reason) END,
    NULL, NULL
FROM staff_news WHERE settled_at IS NOT NULL;
