"""Signed webhooks to a durable buffer: our gateway beside a plain FastAPI, `python -m benchmarks.webhooks [--quick]`.

Both run as one process of uvicorn (uvloop, httptools, no access log), and write to the same Valkey, which appends to
disk. 64 connections each post, wait for the answer, and post again; 10,000 posts with `--quick`, else 40,000, of 350
bytes each, signed before the clock starts, every id its own. The load is made by one more process on the same cores.

Ours verifies, checks the JSON, remembers the id for 7 days and appends, in one script for all that arrived together.
The peer verifies with the reference library and sends one XADD a request; it remembers no id: a repeat is kept twice.
What was answered with 202 is counted in the buffer afterwards.
"""
