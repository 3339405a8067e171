"""The outside world's ends of our messages: an HTTP SMS gateway and a real SMTP server, both writing sinks."""
