-- What staff are told of the hours with them, gathered into messages: when and where, never who comes. The recipient is a
-- therapist, or the desk of a site. Numbers stay in a file of the deployment. `may_have_left`: the recipient may have a message that
-- is still open, for a try of it ended without a word of the gateway, or of ours.
CREATE TABLE staff_messages (
    id uuid PRIMARY KEY,
    recipient_id uuid NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('new_booking', 'changed_booking')),
    state text NOT NULL DEFAULT 'sending' CHECK (state IN ('sending', 'sent', 'failed', 'skipped')),
    next_at timestamptz NOT NULL,
    tries smallint NOT NULL DEFAULT 0,
    reason text,
    gateway_id text,
    gathered_at timestamptz NOT NULL,
    settled_at timestamptz,
    may_have_left boolean NOT NULL DEFAULT false
);
CREATE INDEX staff_messages_to_do_by_time ON staff_messages (next_at) WHERE state = 'sending';

-- One thing to tell one recipient, once; its version is the appointment's. `gone_from` is set where an hour is not with its recipient any
-- more, a desk whose site it was moved away from: when it was to be there. `near` is the nearest of the times that it is about:
-- an hour that was moved away from tomorrow is urgent, wherever it is now.
CREATE TABLE staff_news (
    case_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    recipient_id uuid NOT NULL,
    version int NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('new_booking', 'changed_booking')),
    due_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'gathered', 'sent', 'failed', 'skipped')),
    reason text,
    message_id uuid REFERENCES staff_messages (id),
    noted_at timestamptz NOT NULL,
    settled_at timestamptz,
    gone_from timestamptz,
    near timestamptz,
    PRIMARY KEY (case_id, appointment_id, recipient_id, version)
);
CREATE INDEX staff_news_waiting_by_time ON staff_news (due_at) WHERE state = 'waiting';
CREATE INDEX staff_news_by_message ON staff_news (message_id) WHERE message_id IS NOT NULL;

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
