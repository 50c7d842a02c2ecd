"""The protocol reference for people, made from the OpenRPC document that programs read."""

import json
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/"


def markdown(document: Schema, title: str) -> str:
    """All methods of a service, then the documents they speak of.

    Args:
        document: as `rpc.discover` answers it.
        title: the service.
    """
    lines = [f"## Methods of the {title}", ""]
    for method in document["methods"]:
        lines += _method(method)
    schemas = document["components"]["schemas"]
    lines += [f"## Documents of the {title}", ""]
    for name in sorted(schemas):
        lines += _document(name, schemas[name])
    return "\n".join(lines).rstrip() + "\n"


def _method(method: Schema) -> Iterator[str]:
    yield f"### `{method['name']}`"
    yield ""
    yield str(method["summary"])
    yield ""
    yield f"- Effect: {method['x-effect']}"
    yield f"- Completes: {method['x-completes']}"
    yield f"- Returns: {_type(method['result']['schema'])}"
    if not method["params"]:
        yield "- Parameters: none"
        yield ""
        return
    yield ""
    yield "| parameter | type | default |"
    yield "|---|---|---|"
    for one in method["params"]:
        yield f"| `{one['name']}` | {_type(one['schema'])} | {_default(one['schema'], one['required'])} |"
    yield ""


def _document(name: str, schema: Schema) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if "description" in schema:
        yield _plain(str(schema["description"]))
        yield ""
    properties = schema.get("properties", {})
    if not properties:
        return
    required = schema.get("required", [])
    yield "| field | type | default |"
    yield "|---|---|---|"
    for field, one in properties.items():
        yield f"| `{field}` | {_type(one)} | {_default(one, field in required)} |"
    yield ""


def _plain(description: str) -> str:
    """A docstring as paragraphs; its attributes as a list."""
    lines = []
    for line in description.splitlines():
        words = line.strip()
        if words == "Attributes:":
            lines.append("")
        elif line.startswith("    ") and not line.startswith("        ") and ": " in words:
            lines.append(f"- {words}")
        elif line.startswith("        "):
            lines.append(f"  {words}")
        else:
            lines.append(words)
    return "\n".join(lines)


def _default(schema: Schema, required: bool) -> str:
    if required:
        return "needed"
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def _type(schema: Schema) -> str:
    """In words, with the limits that are checked."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REFERENCE)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[several]))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{json.dumps(one)}`" for one in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return _array(schema)
    if schema.get("type") == "object":
        return _object(schema)
    return f"{schema.get('type', 'anything')}{_limits(schema)}"


def _array(schema: Schema) -> str:
    if "prefixItems" in schema:
        return f"array of ({', '.join(_type(one) for one in schema['prefixItems'])})"
    return f"array of {_type(schema.get('items', {}))}"


def _object(schema: Schema) -> str:
    values = schema.get("additionalProperties")
    return f"object of {_type(values)}" if isinstance(values, dict) else "object"


def _limits(schema: Schema) -> str:
    words = {
        "minimum": "from {}",
        "exclusiveMinimum": "over {}",
        "maximum": "up to {}",
        "exclusiveMaximum": "below {}",
        "minLength": "at least {} long",
        "maxLength": "at most {} long",
        "pattern": "like `{}`",
    }
    found = [says.format(schema[key]) for key, says in words.items() if key in schema]
    return f" ({', '.join(found)})".replace("|", "\\|") if found else ""
