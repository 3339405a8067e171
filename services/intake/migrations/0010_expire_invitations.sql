-- Until when an invitation may be answered for the first time; one made before this stays open.
ALTER TABLE attendees ADD COLUMN expires_at timestamptz;
