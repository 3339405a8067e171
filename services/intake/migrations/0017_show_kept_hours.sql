-- The hour that is kept while its person chooses, as scheduling said it last: shown beside the option it is with.
ALTER TABLE standings ADD COLUMN kept jsonb;
