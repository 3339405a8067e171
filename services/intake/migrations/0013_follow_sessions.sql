-- What became of booked hours. `in_care_since` is the first session that took place: what comes after it ends no care.
ALTER TABLE standings DROP CONSTRAINT standings_fact_check;
ALTER TABLE standings ADD CONSTRAINT standings_fact_check CHECK (fact IN
    ('match_offered', 'match_accepted', 'match_declined', 'offer_expired', 'match_made', 'appointment_booked',
    'appointment_arrived', 'appointment_fulfilled', 'appointment_no_show', 'appointment_cancelled', 'match_withdrawn',
    'case_waitlisted'));
ALTER TABLE standings ADD COLUMN in_care_since timestamptz;
