"""What is kept in Redis: so far the leases of lanes."""
