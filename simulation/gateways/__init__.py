"""The outside world's ends of our messages: an HTTP SMS gateway, WhatsApp's end and a real SMTP server, all writing sinks."""
