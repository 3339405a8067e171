"""The ways out: the SMS gateway, the mail server, and the vault that says whether we may open an address."""
