"""The loops that reach outside: messages to people, and pages to the duty desk."""
