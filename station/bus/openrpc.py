"""The OpenRPC document (open-rpc.org, version 1.3.2) of a table of methods, made from their models."""

from typing import Any, Literal

from pydantic import TypeAdapter

from .. import __version__
from ..documents.rpc import STATION_ERROR
from .method import Method, Methods

REFERENCE = "#/components/schemas/{model}"


def describe(methods: Methods) -> dict[str, Any]:
    """The whole document, ready for JSON."""
    schemas, shared = _schemas(methods)
    return {
        "openrpc": "1.3.2",
        "info": {
            "title": "scan station",
            "version": __version__,
            "description": (
                "JSON-RPC 2.0 over ZeroMQ. The member `idempotency_key` beside `params` makes a repeat "
                "of a request answer with the first reply. `x-effect` says what a method changes, "
                "`x-completes` the event that ends it."
            ),
        },
        "methods": [_method(methods[name], schemas, shared) for name in sorted(methods)],
        "components": {"schemas": shared},
    }


_Schemas = dict[tuple[str, Literal["validation", "serialization"]], dict[str, Any]]


def _schemas(methods: Methods) -> tuple[_Schemas, dict[str, Any]]:
    inputs: list[tuple[str, Literal["validation", "serialization"], TypeAdapter[Any]]] = []
    for name, method in methods.items():
        inputs.append((name, "validation", TypeAdapter[Any](method.params)))
        inputs.append((name, "serialization", TypeAdapter[Any](method.result)))
    found, shared = TypeAdapter.json_schemas(inputs, ref_template=REFERENCE)
    return {(str(name), mode): schema for (name, mode), schema in found.items()}, dict(
        shared.get("$defs", {})
    )


def _method(method: Method[Any], schemas: _Schemas, shared: dict[str, Any]) -> dict[str, Any]:
    params = schemas[method.name, "validation"]
    params = shared.get(params.get("$ref", "").removeprefix(REFERENCE.format(model="")), params)
    required = params.get("required", [])
    return {
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "by-name",
        "params": [
            {"name": name, "required": name in required, "schema": schema}
            for name, schema in params.get("properties", {}).items()
        ],
        "result": {"name": "result", "schema": schemas[method.name, "serialization"]},
        "errors": [{"code": STATION_ERROR, "message": "see `data.name`, `data.hint` and `data.fault`"}],
        "x-effect": method.effect,
        "x-completes": method.completes,
        "x-operates": method.operates,
    }
