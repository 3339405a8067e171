-- Staff read a day of appointments page by page.
CREATE INDEX appointments_by_start ON appointments (starts_at, appointment_id);

-- What an appointment is called in people's own calendars: random, so that it tells neither when it was made nor the
-- id that opens it here.
ALTER TABLE appointments ADD COLUMN calendar_uid uuid NOT NULL DEFAULT gen_random_uuid();
