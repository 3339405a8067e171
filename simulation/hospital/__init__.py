"""A partner hospital: reads nothing but its own topic, with a plain Kafka client, and keeps its own books.

Its process is also that of `simulation.network`, a partner without Kafka: they share a port and nothing else.
"""
