-- Diaries are read from the index of `nobody_twice` alone, which spares the table where a page is known to be visible to all.
-- A vacuum marks pages so, and by default comes after a fifth of the table is new: after a long history that is every hour ahead.
ALTER TABLE reservations SET (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000);
