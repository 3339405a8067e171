-- An alarm that nobody took in time is told to the next on the rota too: then there is no handover.
ALTER TABLE alarm_escalations ALTER COLUMN handover_id DROP NOT NULL;

-- Those that nobody has taken by now are looked at like those to come.
INSERT INTO due (kind, key, at) SELECT 'untaken', alarm_id, due_by FROM alarms WHERE state = 'open'
ON CONFLICT DO NOTHING;
