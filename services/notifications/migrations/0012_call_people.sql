-- Whom a human has to call, because the person named a call: once a message and try. What is told and to whom stands in the
-- message. `calling`: a human is asked; looked at again when the person's safe window closes or it is too late.
ALTER TABLE messages
    DROP CONSTRAINT messages_state_check,
    ADD CONSTRAINT messages_state_check
        CHECK (state IN ('planned', 'sending', 'calling', 'sent', 'delivered', 'failed', 'skipped'));
CREATE INDEX messages_to_do_by_time ON messages (next_at) WHERE state IN ('planned', 'sending', 'calling');
CREATE INDEX messages_to_do_by_person ON messages (person_id) WHERE state IN ('planned', 'calling');
DROP INDEX messages_open_by_time, messages_planned_by_person;

CREATE TABLE calls (
    task_id uuid PRIMARY KEY,
    message_id uuid NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('call_person', 'reconfirm_contact')),
    number int NOT NULL,
    due_by timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    outcome text,
    closed_by text,
    UNIQUE (message_id, kind, number),
    CHECK ((closed_at IS NULL) = (outcome IS NULL) AND (closed_at IS NULL) = (closed_by IS NULL))
);
CREATE INDEX calls_open ON calls (message_id) WHERE closed_at IS NULL;

-- Who asked for the number behind a task, whatever they got.
CREATE TABLE call_readings (
    reading_id uuid PRIMARY KEY,
    task_id uuid NOT NULL,
    staff_id text NOT NULL,
    staff_name text NOT NULL,
    read_at timestamptz NOT NULL
);
CREATE INDEX call_readings_by_task ON call_readings (task_id);

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
FROM calls c JOIN messages m ON m.id = c.message_id WHERE c.closed_at IS NOT NULL;
