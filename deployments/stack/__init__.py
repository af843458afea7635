"""The local stack: everything the platform needs, on this machine, from the packages that are installed already.

All of it listens on 127.0.0.1 only, keeps its data below `.datastream`, and is found again by the next command.
"""

from deployments.stack.alone import prefect_server, rabbitmq, valkey
from deployments.stack.stack import ServiceStatus, Stack, down, environment, running_environment, status, up
from deployments.stack.starter import Progress, Report

__all__ = [
    "Progress",
    "Report",
    "ServiceStatus",
    "Stack",
    "down",
    "environment",
    "prefect_server",
    "rabbitmq",
    "running_environment",
    "status",
    "up",
    "valkey",
]
