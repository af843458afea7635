"""Is what a stream committed as its file and its past say? Joins the lake with the checks, and keeps what they said."""
