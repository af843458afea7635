"""The quality page: one static page that tells of each stream how it is. Made of `_quality`, by whoever checked."""
