"""The local stack itself: what `make up` starts, and how it ends."""
