-- What matching says of offers and of other help: the offer to choose from, and the latest alternative of a case.
ALTER TABLE standings ADD COLUMN match_id uuid;
ALTER TABLE standings ADD COLUMN alternative text;
ALTER TABLE standings ADD COLUMN alternative_attempt int;
ALTER TABLE standings ADD COLUMN alternative_at timestamptz;
ALTER TABLE standings DROP CONSTRAINT standings_fact_check;
ALTER TABLE standings ADD CONSTRAINT standings_fact_check CHECK (fact IN
    ('match_offered', 'match_accepted', 'match_declined', 'offer_expired', 'match_made', 'appointment_booked',
    'appointment_cancelled', 'match_withdrawn', 'case_waitlisted'));
ALTER TABLE standings ADD CONSTRAINT standings_alternative_check
    CHECK ((alternative IS NULL) = (alternative_attempt IS NULL) AND (alternative IS NULL) = (alternative_at IS NULL));
