"""A warm parent that has nothing loaded, and whose runs do what stands in their variable WORK."""

import os

from deployments.warm import parent, preload


def work() -> None:
    exec(os.environ["WORK"], {"__name__": "__main__"})  # noqa: S102 - it is the tests' own


def prepare() -> None:
    if "changing" in os.environ.get("PYTHONPATH", ""):
        __import__("changing")
    preload.settle()


if __name__ == "__main__":
    parent.main(work, prepare)
