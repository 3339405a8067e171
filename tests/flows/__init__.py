"""Whole stories through all services, on real Kafka and Postgres, as the people in them live them."""
