-- What a person may choose from, as matching said it: shown on the page where they choose. Null where nothing is
-- offered, and of offers from before.
ALTER TABLE standings ADD COLUMN options jsonb;
