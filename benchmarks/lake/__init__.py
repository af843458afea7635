"""The commit protocol on real stores: `python -m benchmarks.lake [--quick]`.

A claim of 50,000 flights, unpartitioned, in 50 files, from its plan until it is settled, on a local disk and on a
SeaweedFS of this machine. Beside it, in turn, the same files bare: the same encoding and the same number of writers,
and neither plan nor manifest, nor fsync, nor a condition. Then what a long log costs: opening a lane and making one
more commit after 100 commits and after 10,000, and recounting a lake of 1,000,000 rows.
"""
