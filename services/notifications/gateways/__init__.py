"""The ways out: the SMS gateway, WhatsApp, the mail server, and the vault that says whether we may open an address."""
