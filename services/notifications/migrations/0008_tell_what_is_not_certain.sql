-- An hour that may still change is told as such.
ALTER TABLE appointments ADD COLUMN provisional boolean NOT NULL DEFAULT false;
