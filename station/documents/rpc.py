"""What both ends of `control` and `events` must agree on: JSON-RPC 2.0, its errors, topics without a journal.

Requests carry two members beyond the standard. `idempotency_key`: a repeat with the same key is answered with
the first reply and acts only once. `operator`: the token of whoever holds the operator's lock. The codes
of malformed requests are those of the JSON-RPC 2.0 specification, section 5.1; whatever the station itself
refuses has `STATION_ERROR`, and its `data.name` is the code of the fault catalogue.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, StringConstraints

from .base import Document, StrictDocument
from .fault import StationError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
STATION_ERROR = -32000

WELCOME = b"welcome"
"""First message to every new subscriber."""

HEARTBEAT = "heartbeat"
PREVIEW = "preview"

RequestId = Annotated[str, StringConstraints(strict=True, max_length=256)] | StrictInt | None


def is_transient(event_type: str) -> bool:
    """Whether events of this type stay out of the journal; their `seq` is the journal's head."""
    return event_type.partition(".")[0] in (HEARTBEAT, PREVIEW)


class Request(StrictDocument):
    """A request. Without an `id` it is a notification and gets no answer."""

    jsonrpc: Literal["2.0"]
    id: RequestId = None
    method: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=128)]
    params: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=256)] | None = (
        None
    )
    operator: Annotated[str, StringConstraints(strict=True, max_length=64)] | None = None


class ErrorData(Document):
    """The station's part of an error.

    Attributes:
        name: code in the fault catalogue.
        hint: what to do, in one sentence.
        fault: the catalogue's entry, as every face of the station shows it.
    """

    name: str = "internal"
    hint: str = ""
    fault: dict[str, Any] | None = None


class ErrorObject(Document):
    """The member `error` of a reply."""

    code: int
    message: str
    data: ErrorData = ErrorData()


class Reply(Document):
    """A reply: `result`, or `error`."""

    jsonrpc: Literal["2.0"]
    id: RequestId = None
    result: Any = None
    error: ErrorObject | None = None


def encode_request(
    request_id: str,
    method: str,
    params: dict[str, Any],
    idempotency_key: str | None = None,
    operator: str | None = None,
) -> bytes:
    """The bytes of a request.

    Raises:
        StationError: `bad_request`, the parameters are not JSON.
    """
    request: dict[str, Any] = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
    if idempotency_key is not None:
        request["idempotency_key"] = idempotency_key
    if operator is not None:
        request["operator"] = operator
    try:
        return json.dumps(request, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise StationError(
            "bad_request", f"the parameters of {method} cannot be written as JSON: {error}"
        ) from error


def result_of(reply: Reply) -> Any:  # noqa: ANN401 - whatever the method answers
    """The result of a reply.

    Raises:
        StationError: the server's error, with the server's code and hint.
    """
    if reply.error is not None:
        data = reply.error.data
        raise StationError(data.name, reply.error.message, data.hint)
    return reply.result
