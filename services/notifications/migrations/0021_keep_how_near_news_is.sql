-- The nearest of the times that it is about: an hour that was moved away from tomorrow is urgent, wherever it is now.
ALTER TABLE staff_news ADD COLUMN near timestamptz;
