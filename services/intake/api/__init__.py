"""Intake over HTTP: every module parses, calls a use case and renders; nothing is decided here."""
