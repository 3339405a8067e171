-- The hour a task is about, where it is about one.
ALTER TABLE tasks ADD COLUMN appointment_id uuid;
