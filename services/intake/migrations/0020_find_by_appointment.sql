-- A therapist knows an hour by its appointment, and looks for the case whose last hour it is.
CREATE INDEX standings_by_appointment ON standings (appointment_id) WHERE appointment_id IS NOT NULL;
