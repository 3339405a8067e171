"""notifications: tells people, in words that tell nobody else."""
