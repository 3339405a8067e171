-- Whom a human has to tell what no message could, once per person and version of an hour. Who was told stands in the message.
CREATE TABLE tasks (
    task_id uuid PRIMARY KEY,
    message_id uuid NOT NULL,
    case_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    person_id uuid NOT NULL,
    version int NOT NULL,
    due_by timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    outcome text,
    closed_by text,
    UNIQUE (appointment_id, person_id, version),
    CHECK ((closed_at IS NULL) = (outcome IS NULL) AND (closed_at IS NULL) = (closed_by IS NULL))
);
CREATE INDEX tasks_open_by_person ON tasks (person_id) WHERE closed_at IS NULL;

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
FROM messages WHERE settled_at IS NOT NULL
UNION ALL
SELECT t.case_id, t.opened_at, 'task_opened', 'tell_by_hand',
    CASE WHEN t.closed_at IS NULL
        THEN 'a coordinator, by ' || to_char(t.due_by AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    END, m.traceparent
FROM tasks t JOIN messages m ON m.id = t.message_id
UNION ALL
SELECT t.case_id, t.closed_at, 'task_closed', 'tell_by_hand ' || t.outcome, NULL, m.traceparent
FROM tasks t JOIN messages m ON m.id = t.message_id WHERE t.closed_at IS NOT NULL;
