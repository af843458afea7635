"""How long a flow run waits between being taken by a worker and running: warm beside the stock process worker.

The same flow, which imports Great Expectations, pandas and pyarrow, on one real Prefect server; one pool as
`prefect worker start` makes it, and one with the command for warm starts. The times are the server's own.
"""
