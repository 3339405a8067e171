"""The only SQL of notifications: what is true now, the messages, and the alarms to be paged."""
