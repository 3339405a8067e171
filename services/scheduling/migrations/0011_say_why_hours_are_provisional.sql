-- Why an hour is provisional: staff have yet to confirm it, or its day may be or is a holiday.
ALTER TABLE appointments ADD COLUMN certainty_reason text;
UPDATE appointments SET certainty_reason = 'to_be_confirmed' WHERE certainty = 'provisional';
ALTER TABLE holds ADD COLUMN certainty_reason text;
ALTER TABLE appointment_changes ADD COLUMN certainty_reason_before text;
