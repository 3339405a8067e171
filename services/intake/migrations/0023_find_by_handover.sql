-- Whom a handover was told to is asked each time it is told to the next.
CREATE INDEX alarm_escalations_by_handover ON alarm_escalations (handover_id);
