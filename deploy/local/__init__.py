"""The two-command stack: real PostgreSQL, real Apache Kafka and Zipkin from packages, and our processes."""
