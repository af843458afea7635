"""What flows: one YAML file a stream, and beside it the stream's transform, if it has one."""
