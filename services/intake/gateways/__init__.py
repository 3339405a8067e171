"""What intake calls outside of its own process."""
