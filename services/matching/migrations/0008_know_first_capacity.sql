-- Whether scheduling has told of a therapist's hours at all: the first word of an hour is more room too.
ALTER TABLE loads ADD COLUMN told boolean NOT NULL DEFAULT false;
