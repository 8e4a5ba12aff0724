"""Reads shell scripts as they stand in Dockerfiles, and runs nothing."""
