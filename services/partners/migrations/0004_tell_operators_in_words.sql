-- What an operator reads: who was told, and what.
CREATE OR REPLACE VIEW journey AS
SELECT case_id, told_at AS at, 'partner_told' AS step, organisation || ': ' || status AS detail,
    NULL::text AS waits_for, traceparent
FROM bookings WHERE position > 0;
