"""The JSON Schema of stream files, for editors. `python -m datastream.catalog.schema` writes it into `streams/`."""

import json
from pathlib import Path

from datastream.catalog.stream import Stream

SCHEMA_FILE = "stream.schema.json"


def schema_text() -> str:
    """Return the schema as it is shipped."""
    schema = Stream.model_json_schema(by_alias=True)
    schema["properties"].pop("version")
    return json.dumps({"title": "A stream of datastream", **schema}, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    (Path("streams") / SCHEMA_FILE).write_text(schema_text())
