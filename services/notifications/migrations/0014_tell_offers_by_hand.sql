-- A proposal that no message can tell of is told by hand too, once per person; which one is named as an hour is.
ALTER TABLE tasks ALTER COLUMN appointment_id DROP NOT NULL;
ALTER TABLE tasks ADD COLUMN match_id uuid;
ALTER TABLE tasks ADD CONSTRAINT tasks_are_about_one_thing CHECK (num_nonnulls(appointment_id, match_id) = 1);
CREATE UNIQUE INDEX tasks_once_per_proposal ON tasks (match_id, person_id) WHERE match_id IS NOT NULL;
CREATE INDEX tasks_open_of_proposals ON tasks (case_id) WHERE match_id IS NOT NULL AND closed_at IS NULL;
