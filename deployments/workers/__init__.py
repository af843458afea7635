"""The workers of a pool: processes that drain, as many as its backlog asks for."""
