"""What notifications decides: when a message may go, what it says, and what happens when it cannot."""
