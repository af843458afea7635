"""Measures the product beside its peers, on the same machine, the same data and in the same run.

Each benchmark is a command, `python -m benchmarks.NAME [--quick]`; its last line is JSON for machines.
"""
