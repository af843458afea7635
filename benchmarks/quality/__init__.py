"""A row-exact verdict beside Great Expectations' own COMPLETE run: 50,000 flights, the ten expectations of
`expectations/flights.json`.

Ours begins with the Arrow table of a claim, and its conversion counts. The peer is `Batch.validate` of the same suite
on the same data, which is a pandas frame by then; each round has a new batch, because a batch keeps its metrics.
"""
