"""The image, and the platform as containers on one machine."""
