"""The parts we stand on with nothing of ours round them: what each can do at most, and what that costs."""
