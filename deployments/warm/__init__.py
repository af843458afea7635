"""Warm starts: one parent a machine has loaded what runs need, and forks each of them, for all workers there.

A worker runs the pool's command (`wiring`), which is a small client: it asks the parent over a socket, stands in for
the run towards the worker, and ends as it does. Without a parent the run starts cold, and says so.
"""
