"""Deploys what stands in prefect.yaml as `prefect deploy --all` does, but looks before it changes anything.

Everything is checked first, and all that is wrong is told at once; the difference to the server is shown; and either
all of it is deployed or the server is left as it was.
"""

from deployments.deploying.applying import NotApplied, apply
from deployments.deploying.plan import Plan, plan
from deployments.deploying.problem import NotDeployable, Problem

__all__ = ["NotApplied", "NotDeployable", "Plan", "Problem", "apply", "plan"]
