-- A case that staff closed; what was under way for it ends as for one that was taken back.
ALTER TABLE cases DROP CONSTRAINT cases_state_check;
ALTER TABLE cases ADD CONSTRAINT cases_state_check
    CHECK (state IN ('held', 'offered', 'matched', 'booked', 'cancelled', 'waitlisted', 'withdrawn', 'closed'));
