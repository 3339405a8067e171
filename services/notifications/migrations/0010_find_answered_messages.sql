-- An answer names the message it is to by what the gateway calls that.
CREATE INDEX messages_by_gateway ON messages (gateway_id) WHERE gateway_id IS NOT NULL;
