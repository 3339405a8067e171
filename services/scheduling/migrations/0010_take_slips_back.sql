-- How certain an hour was before a step: whoever takes a slip back finds it as it stood.
ALTER TABLE appointment_changes ADD COLUMN certainty_before text;
