"""What runs. Each flow is prose; its steps are in `tasks`, its work in `datastream`."""
