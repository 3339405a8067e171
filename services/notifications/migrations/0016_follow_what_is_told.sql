-- The version of an hour in which people were last told of it, where only its certainty has changed since; null: the newest.
ALTER TABLE appointments ADD COLUMN told_version int;
