"""partners: the edge to outside organisations, which hear of their own bookings and of nobody's case."""
