"""Pure decisions about hours: whole UTC minutes since 1970 inside, wall clocks only where people set them."""
