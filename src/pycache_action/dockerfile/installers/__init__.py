"""What the commands of Python's installers ask for, one module for each tool."""
