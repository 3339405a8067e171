-- A handover counts when the colleague says that they have the alarm; until then they are paged, and then others on the
-- rota are asked. `unconfirmed_handover` is the one that is waited for.
ALTER TABLE alarms ADD COLUMN unconfirmed_handover uuid CHECK (unconfirmed_handover IS NULL OR state = 'acknowledged');
ALTER TABLE alarm_handovers
    ADD COLUMN confirmed_by text,
    ADD COLUMN confirmed_name text,
    ADD COLUMN confirmed_at timestamptz,
    ADD CHECK ((confirmed_by IS NULL) = (confirmed_at IS NULL) AND (confirmed_by IS NULL) = (confirmed_name IS NULL));

-- Whom a handover that nobody confirmed was told to next; nobody where nobody was on duty.
CREATE TABLE alarm_escalations (
    escalation_id uuid PRIMARY KEY,
    alarm_id uuid NOT NULL REFERENCES alarms,
    handover_id uuid NOT NULL REFERENCES alarm_handovers,
    to_id text,
    to_name text,
    escalated_at timestamptz NOT NULL,
    CHECK ((to_id IS NULL) = (to_name IS NULL))
);
CREATE INDEX alarm_escalations_by_alarm ON alarm_escalations (alarm_id, escalated_at);
