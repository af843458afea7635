"""What can be seen of a running process, and how tests make it die."""
