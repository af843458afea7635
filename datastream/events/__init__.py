"""Commits as events: what one looks like, where it goes on RabbitMQ, and who carries it there."""
