"""What a project depends on: its dependency files read by meaning, and what changed between two readings."""
