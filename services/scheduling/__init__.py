"""Scheduling: hours of therapists and rooms, and that nobody has the same one twice."""
