-- Who named somebody after the request was made, where it was a coordinator; null is whoever asked.
ALTER TABLE attendees
    ADD COLUMN added_by text,
    ADD COLUMN added_name text,
    ADD CHECK ((added_by IS NULL) = (added_name IS NULL));
