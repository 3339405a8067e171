-- Set where an hour is not with its recipient any more, a desk whose site it was moved away from: when it was to be there.
ALTER TABLE staff_news ADD COLUMN gone_from timestamptz;
