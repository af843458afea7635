"""Where committed data lives: plain Parquet files with names that make every repeat harmless, and a log of commits."""
