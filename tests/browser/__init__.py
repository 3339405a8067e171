"""The pages as people use them, in a real browser on the real routes and the real database."""
