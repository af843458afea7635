"""How well fetching, parsing, validating and committing overlap, when each page of an API takes its time."""
