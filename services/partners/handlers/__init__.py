"""Use cases of partners: telling organisations of their bookings, letting them read, giving them keys."""
