"""Writes OCSF's schema of a Detection Finding as JSON Schema: write.py VERSION FILE."""

import json
import sys

from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

version, file = sys.argv[1:]
# Without profiles: pgvigil's findings have none.
schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version)).get_class_schema("detection_finding", [])
with open(file, "w", encoding="utf-8") as out:
    json.dump(schema, out)
