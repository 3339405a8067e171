-- An hour may be kept while a person chooses, as part of an offer: `take_by` is until when it is theirs to take; without
-- one it is kept by staff. `offered`: the highest attempt of the case was an offer, and its choice may still come.
ALTER TABLE holds ADD COLUMN take_by timestamptz CHECK (take_by < held_until);
CREATE INDEX holds_offered ON holds (therapist_id) WHERE state = 'held' AND take_by IS NOT NULL;
ALTER TABLE case_fences ADD COLUMN offered boolean NOT NULL DEFAULT false;
