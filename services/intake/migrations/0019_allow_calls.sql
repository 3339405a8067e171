-- Somebody who does not read is called by a human.
ALTER TABLE contacts
    DROP CONSTRAINT contacts_channel_check,
    ADD CONSTRAINT contacts_channel_check CHECK (channel IN ('sms', 'whatsapp', 'email', 'call', 'inbox'));
