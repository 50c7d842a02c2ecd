"""Bytes of a request in, bytes of the reply out: JSON-RPC 2.0 without a socket."""

import asyncio
import difflib
import json
import logging
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError

from ..documents.base import StrictDocument
from ..documents.fault import StationError, faults
from ..documents.limits import LIMITS, Limits
from ..documents.requests import NoParams
from ..documents.rpc import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    STATION_ERROR,
    Request,
)
from .lock import OperatorLock
from .method import Blob, Caller, Method, Methods, set_caller
from .openrpc import describe

log = logging.getLogger(__name__)
PROBLEMS_LISTED = 20


class RpcError(StationError):
    """A request that JSON-RPC itself refuses, with its code and the request's id where that could be read."""

    def __init__(self, rpc_code: int, message: str, request_id: str | int | None = None) -> None:
        super().__init__("bad_request", message)
        self.rpc_code = rpc_code
        self.request_id = request_id


@dataclass(frozen=True, slots=True)
class _Remembered:
    """The reply to an idempotency key; `request` is what it was given for."""

    request: str
    outcome: "asyncio.Future[Outcome]"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The member `result` or `error` of a reply, and the bytes that follow it."""

    member: bytes
    blob: bytes | None = None


class Dispatcher:
    """Serves a table of methods, `rpc.discover` included. It never raises for what a client sent."""

    def __init__(self, methods: Methods, limits: Limits = LIMITS, lock: OperatorLock | None = None) -> None:
        self._lock = lock
        discover = Method(
            "rpc.discover", self._discover, NoParams, dict[str, Any], "This service as an OpenRPC document."
        )
        self._methods: Methods = {**methods, discover.name: discover}
        self._results = {name: TypeAdapter[Any](method.result) for name, method in self._methods.items()}
        self._limits = limits
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    async def answer(self, body: bytes, client: str = "") -> list[bytes] | None:
        """The frames of the reply, None for a notification. `client` is whose key it was."""
        try:
            request = parse(body, self._limits)
        except RpcError as error:
            return [_reply(error.request_id, error_member(error))]
        outcome = await self._outcome(request, client)
        if "id" not in request.model_fields_set:
            return None
        reply = _reply(request.id, outcome.member)
        return [reply] if outcome.blob is None else [reply, outcome.blob]

    async def _outcome(self, request: Request, client: str) -> Outcome:
        try:
            method = self._method(request.method)
            params = _checked(method, request.params)
        except RpcError as error:
            return Outcome(error_member(error))
        who = Caller("" if request.id is None else str(request.id), client)
        refused = self._locked_out(request, method)
        if method.effect != "none":
            log.info("%s, asked by %s%s", method.name, who.words, ": refused, locked" if refused else "")
        if refused is not None:
            return refused
        set_caller(who)
        if request.idempotency_key is None:
            return await self._run(method, params)
        return await self._run_once(request, method, params)

    def _locked_out(self, request: Request, method: Method[Any]) -> Outcome | None:
        """Whether another operator keeps this request out; any request of the holder's prolongs the lock."""
        if self._lock is None:
            return None
        if not method.operates:
            self._lock.touch(request.operator)
            return None
        try:
            self._lock.check(request.operator)
        except StationError as error:
            return Outcome(error_member(error))
        return None

    def _method(self, name: str) -> Method[Any]:
        if name in self._methods:
            return self._methods[name]
        near = difflib.get_close_matches(name, self._methods, n=1)
        suggestion = f"; did you mean {near[0]}?" if near else ""
        raise RpcError(METHOD_NOT_FOUND, f"there is no method {name!a}{suggestion}")

    async def _run_once(self, request: Request, method: Method[Any], params: StrictDocument) -> Outcome:
        key = request.idempotency_key or ""
        words = json.dumps([request.method, request.params], sort_keys=True)
        known = self._remembered.get(key)
        if known is not None:
            if known.request != words:
                error = RpcError(INVALID_REQUEST, f"the idempotency key {key!a} was used for another request")
                return Outcome(error_member(error))
            return await asyncio.shield(known.outcome)
        known = self._remember(key, words)
        try:
            known.outcome.set_result(await self._run(method, params))
        except asyncio.CancelledError:
            self._remembered.pop(key, None)
            known.outcome.cancel()
            raise
        outcome = known.outcome.result()
        if (
            outcome.blob is not None
        ):  # to ask again costs nothing; to keep thousands of pieces costs gigabytes
            self._remembered.pop(key, None)
        return outcome

    def _remember(self, key: str, words: str) -> _Remembered:
        known = _Remembered(words, asyncio.get_running_loop().create_future())
        self._remembered[key] = known
        while len(self._remembered) > self._limits.remembered_replies:
            self._remembered.popitem(last=False)
        return known

    async def _run(self, method: Method[Any], params: StrictDocument) -> Outcome:
        started = time.monotonic()
        try:
            answer = await method.handler(params)
            result = self._results[method.name]
            said, blob = (answer.result, answer.content) if isinstance(answer, Blob) else (answer, None)
            return Outcome(b'"result":' + result.dump_json(result.validate_python(said)), blob)
        except StationError as error:
            return Outcome(error_member(error))
        except Exception:
            incident = secrets.token_hex(4)
            log.exception("incident %s: %s failed", incident, method.name)
            failed = f"{method.name} failed, see incident {incident} in the log"
            return Outcome(error_member(StationError("internal", failed)))
        finally:
            took_s = time.monotonic() - started
            if took_s > self._limits.slow_handler_s:
                log.warning("%s took %.1f s to answer", method.name, took_s)

    async def _discover(self, _: NoParams) -> dict[str, Any]:
        return describe(self._methods)


def parse(body: bytes, limits: Limits = LIMITS) -> Request:
    """Read and check the envelope of a request.

    Raises:
        RpcError: with the code that the JSON-RPC specification gives the mistake.
    """
    if len(body) > limits.request_bytes:
        raise RpcError(
            INVALID_REQUEST, f"the request has {len(body)} bytes, {limits.request_bytes} are allowed"
        )
    try:
        tree = json.loads(body, parse_constant=_no_constant)
    except RecursionError as error:
        raise RpcError(PARSE_ERROR, "the request is nested too deeply") from error
    except ValueError as error:
        raise RpcError(PARSE_ERROR, f"the request is not JSON: {error}") from error
    if not isinstance(tree, dict):
        raise RpcError(INVALID_REQUEST, "a request is one JSON object; batches are not served")
    try:
        return Request.model_validate(tree)
    except ValidationError as error:
        raise RpcError(INVALID_REQUEST, problems(error), _id_of(tree)) from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _id_of(tree: dict[str, Any]) -> str | int | None:
    value = tree.get("id")
    return (
        value
        if isinstance(value, (str, int)) and not isinstance(value, bool) and len(str(value)) <= 256
        else None
    )


def _checked(method: Method[Any], params: dict[str, Any]) -> StrictDocument:
    try:
        checked: StrictDocument = method.params.model_validate(params)
    except ValidationError as error:
        raise RpcError(INVALID_PARAMS, f"{method.name}: {problems(error)}") from error
    return checked


def problems(error: ValidationError) -> str:
    """All mistakes in one line, each with the place where it is; what was sent is not repeated."""
    found = [
        f"{'.'.join(map(str, item['loc'])) or 'request'}: {item['msg']}"
        for item in error.errors(include_input=False)
    ]
    rest = f"; and {len(found) - PROBLEMS_LISTED} more" if len(found) > PROBLEMS_LISTED else ""
    return "; ".join(found[:PROBLEMS_LISTED]) + rest


def error_member(error: StationError) -> bytes:
    """The member `error` of a reply, with the catalogue's entry."""
    code = (
        error.rpc_code
        if isinstance(error, RpcError)
        else INTERNAL_ERROR
        if error.code == "internal"
        else STATION_ERROR
    )
    entry = faults().get(error.code)
    data = {"name": error.code, "hint": error.hint, "fault": entry.model_dump(mode="json") if entry else None}
    return b'"error":' + json.dumps({"code": code, "message": str(error), "data": data}).encode()


def refused_unread(error: StationError) -> bytes:
    """The reply to a request that nobody has looked at."""
    return _reply(None, error_member(error))


def _reply(request_id: str | int | None, member: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":' + json.dumps(request_id).encode() + b"," + member + b"}"
