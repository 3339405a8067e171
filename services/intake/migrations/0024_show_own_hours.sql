-- The last hour that somebody is in who takes part: whoever agrees after it was taken joins the next one, and is not told
-- of this one. Null until an hour for more than one is heard of; hours of before are known to scheduling alone.
ALTER TABLE attendees ADD COLUMN appointment_id uuid;
