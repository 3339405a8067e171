"""HTTP in: what gateways tell of the messages they took."""
