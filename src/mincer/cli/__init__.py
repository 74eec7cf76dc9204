"""The command line: what a person types, and the one screen that answers."""
