"""`make demo`: four runs of a workflow, each on a new runner, played with the action itself on a real project."""
