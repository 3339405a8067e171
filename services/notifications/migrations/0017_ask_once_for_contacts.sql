-- Since when a human is asked how somebody is reached: once, until their contact comes anew.
ALTER TABLE contacts ADD COLUMN asked_at timestamptz;
UPDATE contacts t SET asked_at = c.opened_at
FROM calls c JOIN messages m ON m.id = c.message_id
WHERE c.kind = 'reconfirm_contact' AND c.closed_at IS NULL AND t.person_id = m.person_id;
