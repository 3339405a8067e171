-- Where else a message may go when the first channel fails, in the person's order.
ALTER TABLE contacts
    ADD COLUMN further_channels text[] NOT NULL DEFAULT '{}',
    DROP CONSTRAINT contacts_channel_check,
    ADD CONSTRAINT contacts_channel_check CHECK (channel IN ('sms', 'whatsapp', 'email', 'inbox'));
