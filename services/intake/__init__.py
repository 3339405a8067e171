"""Intake: takes a request for care, weighs its urgency, guards what identifies people, tells its state."""
