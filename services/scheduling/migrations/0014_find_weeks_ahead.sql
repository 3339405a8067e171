-- Whose hours have changed is looked for in the weeks that are not over. A row keeps its week, so that no update has to touch this.
CREATE INDEX weekly_load_by_week ON weekly_load (week);
