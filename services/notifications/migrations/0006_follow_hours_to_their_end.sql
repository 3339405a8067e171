-- Who came, who did not; who changed an hour last, and whether it is another way to meet than before.
ALTER TABLE appointments
    ADD COLUMN by text,
    ADD COLUMN another_way boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT appointments_state_check,
    ADD CONSTRAINT appointments_state_check
        CHECK (state IN ('booked', 'arrived', 'fulfilled', 'no_show', 'cancelled'));
