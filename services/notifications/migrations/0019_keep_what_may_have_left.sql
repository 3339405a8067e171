-- Whether the recipient may have a message that is still open: a try of it ended without a word of the gateway, or of ours.
ALTER TABLE staff_messages ADD COLUMN may_have_left boolean NOT NULL DEFAULT false;
UPDATE staff_messages SET may_have_left = true WHERE state = 'sending';
