"""How it is run: the command line, the local stack, and what `make run` does."""
