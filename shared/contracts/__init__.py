"""The published language: every event that crosses a service boundary, one module per producer."""
