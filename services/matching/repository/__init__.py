"""The only SQL of matching: set-based, rows locked in sorted order."""
