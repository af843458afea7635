"""API to committed and validated lake: our main job beside dlt."""
