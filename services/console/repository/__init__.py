"""The only SQL of the console: it reads the kernel's tables and the journey views, and asks by operator requests."""
