-- Who is paged for an alarm that was handed over and not confirmed; null is the duty desk. `said_at` is the moment of the
-- latest word about who has it: on this topic an event may come late, and takes nothing back that was said after it.
ALTER TABLE alarms ADD COLUMN page_to text, ADD COLUMN said_at timestamptz;
