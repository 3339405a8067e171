"""How Humqadam is run: the local stack here, images and clusters beside it."""
