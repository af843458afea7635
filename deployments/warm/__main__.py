"""What a worker runs for each flow run: `python -m deployments.warm`."""

from deployments.warm.client import main

if __name__ == "__main__":
    main()
