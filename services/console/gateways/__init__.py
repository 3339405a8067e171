"""What the console asks outside its own tables: the broker, and the service that knows whom to call."""
