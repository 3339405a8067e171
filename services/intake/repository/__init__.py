"""Intake's only SQL, by topic. Every function takes the transaction first and a whole batch."""
