"""Every route, asked as every role for what is theirs, for what is not, and by nobody we know."""
