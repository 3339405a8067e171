"""A partner hospital: reads nothing but its own topic, with a plain Kafka client, and keeps its own books."""
