"""The image of our processes, and what has to be there before they start in containers."""
