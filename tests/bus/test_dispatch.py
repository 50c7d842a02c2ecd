"""JSON-RPC 2.0 without a socket: every mistake gets its code, nothing gets a traceback, no key acts twice."""

import asyncio
import json
import logging
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from station.bus.dispatch import Dispatcher
from station.bus.method import Method, caller, table
from station.documents.base import StrictDocument
from station.documents.fault import StationError
from station.documents.limits import Limits
from station.documents.requests import NoParams, ScanStart, ScanStarted

LIMITS = Limits(request_bytes=2_000, remembered_replies=3)


class Width(StrictDocument):
    width_mm: float
    height_mm: float = 1.0


class Bench:
    """Methods that remember what they did."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.dispatcher = Dispatcher(
            table(
                Method(
                    "scan.start",
                    self.start,
                    ScanStart,
                    ScanStarted,
                    "Start.",
                    "lights go on",
                    "scan.captured",
                ),
                Method("area", self.area, Width, float, "Area in mm²."),
                Method("defect", self.defect, NoParams, int, "Fails."),
                Method("wrong", self.wrong, NoParams, int, "Answers something else than it says."),
            ),
            LIMITS,
        )

    async def start(self, params: ScanStart) -> ScanStarted:
        await self.gate.wait()
        if params.name == "busy":
            raise StationError("busy", "card 7 is being scanned")
        self.started.append(params.name)
        return ScanStarted(scan_id=f"{len(self.started)}-{caller().request_id}-{caller().client}")

    async def area(self, params: Width) -> float:
        return params.width_mm * params.height_mm

    async def defect(self, _: NoParams) -> int:
        raise ZeroDivisionError("secret detail")

    async def wrong(self, _: NoParams) -> Any:
        return "not a number"

    async def ask(self, request: Any, client: str = "") -> Any:
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        reply = await self.dispatcher.answer(body, client)
        return None if reply is None else json.loads(reply[0])


def rpc(method: str, request_id: Any = 1, key: str | None = None, **params: Any) -> dict[str, Any]:
    request = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
    return request if key is None else {**request, "idempotency_key": key}


async def test_result_and_id_come_back() -> None:
    assert await Bench().ask(rpc("area", "a-1", width_mm=63, height_mm=88)) == {
        "jsonrpc": "2.0",
        "id": "a-1",
        "result": 5544.0,
    }


async def test_not_a_number_becomes_null() -> None:
    reply = await Bench().ask(rpc("area", width_mm=1e300, height_mm=1e300))
    assert reply["result"] is None


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"", -32700, "not JSON"),
        (b"\xff\xfe", -32700, "not JSON"),
        (b"{", -32700, "not JSON"),
        (b"[" * 900, -32700, "JSON"),
        (b'{"jsonrpc":"2.0","id":1,"method":"area","params":{"width_mm":NaN}}', -32700, "NaN"),
        (b"[]", -32600, "batches"),
        (b"3", -32600, "object"),
        (b"{}", -32600, "jsonrpc"),
        (b'{"jsonrpc":"1.0","id":1,"method":"area"}', -32600, "jsonrpc"),
        (b'{"jsonrpc":"2.0","id":1}', -32600, "method"),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600, "method"),
        (b'{"jsonrpc":"2.0","id":{},"method":"area"}', -32600, "id"),
        (b'{"jsonrpc":"2.0","id":1,"method":"area","params":[1,2]}', -32600, "params"),
        (b'{"jsonrpc":"2.0","id":1,"method":"area","parms":{}}', -32600, "parms"),
        (b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}', -32600, "method"),
        (b'{"a":"' + b"x" * 3_000 + b'"}', -32600, "2000 are allowed"),
        (b'{"jsonrpc":"2.0","id":1,"method":"aera"}', -32601, "did you mean area"),
        (b'{"jsonrpc":"2.0","id":1,"method":"area"}', -32602, "width_mm"),
    ],
)
async def test_mistakes_of_the_client(body: bytes, code: int, words: str) -> None:
    error = (await Bench().ask(body))["error"]
    assert error["code"] == code
    assert words in error["message"]
    assert error["data"]["name"] == "bad_request"
    assert "rpc.discover" in error["data"]["hint"]


async def test_all_problems_are_listed_at_once() -> None:
    error = (await Bench().ask(rpc("area", width="1", height_mm="tall")))["error"]
    assert error["code"] == -32602
    assert all(name in error["message"] for name in ("width_mm", "height_mm", "width:"))


async def test_a_malformed_request_keeps_its_id() -> None:
    assert (await Bench().ask({"jsonrpc": "2.0", "id": "mine"}))["id"] == "mine"


async def test_errors_of_the_station_carry_the_catalogue() -> None:
    error = (await Bench().ask(rpc("scan.start", side="front", name="busy")))["error"]
    assert error["code"] == -32000
    assert error["message"] == "card 7 is being scanned"
    assert error["data"]["name"] == "busy"
    assert error["data"]["hint"].startswith("Wait for the event")
    assert error["data"]["fault"]["title"] == "A scan is already running"


@pytest.mark.parametrize("method", ["defect", "wrong"])
async def test_defects_are_logged_with_traceback_and_answered_without(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        reply = await Bench().ask(rpc(method))
    assert reply["error"]["code"] == -32603
    assert reply["error"]["data"]["name"] == "internal"
    (record,) = caplog.records
    assert record.exc_info
    incident = reply["error"]["message"].partition("incident ")[2][:8]
    assert incident in record.getMessage()
    assert "secret" not in json.dumps(reply)
    assert "Traceback" not in json.dumps(reply)


async def test_a_notification_acts_and_is_not_answered() -> None:
    bench = Bench()
    assert await bench.ask({"jsonrpc": "2.0", "method": "scan.start", "params": {"side": "front"}}) is None
    assert len(bench.started) == 1


async def test_the_handler_knows_its_caller() -> None:
    reply = await Bench().ask(rpc("scan.start", "r9", side="front"), client="tablet")
    assert reply["result"]["scan_id"] == "1-r9-tablet"


async def test_a_repeated_key_acts_once_and_gets_the_same_reply() -> None:
    bench = Bench()
    first = await bench.ask(rpc("scan.start", 1, "k", side="front"))
    again = await bench.ask(rpc("scan.start", 2, "k", side="front"))
    assert bench.started == [""]
    assert first["result"] == again["result"]
    assert again["id"] == 2


async def test_a_repeat_waits_for_the_first_that_is_still_running() -> None:
    bench = Bench()
    bench.gate.clear()
    pair = [asyncio.create_task(bench.ask(rpc("scan.start", n, "k", side="front"))) for n in (1, 2)]
    await asyncio.sleep(0)
    bench.gate.set()
    replies = await asyncio.gather(*pair)
    assert bench.started == [""]
    assert replies[0]["result"] == replies[1]["result"]


async def test_a_cancelled_first_is_not_remembered_as_an_answer() -> None:
    bench = Bench()
    bench.gate.clear()
    first = asyncio.create_task(bench.ask(rpc("scan.start", 1, "k", side="front")))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    bench.gate.set()
    assert "result" in await bench.ask(rpc("scan.start", 2, "k", side="front"))
    assert len(bench.started) == 1


async def test_a_key_belongs_to_one_request() -> None:
    bench = Bench()
    await bench.ask(rpc("scan.start", 1, "k", side="front"))
    error = (await bench.ask(rpc("scan.start", 2, "k", side="back")))["error"]
    assert error["code"] == -32600
    assert "another request" in error["message"]
    assert len(bench.started) == 1


async def test_old_keys_are_forgotten() -> None:
    bench = Bench()
    for key in ("a", "b", "c", "d", "a"):
        await bench.ask(rpc("scan.start", 1, key, side="front"))
    assert len(bench.started) == 5
    await bench.ask(rpc("scan.start", 1, "d", side="front"))
    assert len(bench.started) == 5


async def test_refused_parameters_do_not_use_up_a_key() -> None:
    bench = Bench()
    assert "error" in await bench.ask(rpc("scan.start", 1, "k", side="top"))
    assert "result" in await bench.ask(rpc("scan.start", 1, "k", side="front"))


async def test_discover_describes_every_method_from_its_models() -> None:
    document = (await Bench().ask(rpc("rpc.discover")))["result"]
    methods = {method["name"]: method for method in document["methods"]}
    assert document["openrpc"] == "1.3.2"
    assert set(methods) == {"scan.start", "area", "defect", "wrong", "rpc.discover"}
    start = methods["scan.start"]
    assert {param["name"]: param["required"] for param in start["params"]} == {
        "side": True,
        "card_id": False,
        "name": False,
    }
    assert (start["x-effect"], start["x-completes"]) == ("lights go on", "scan.captured")
    reference = start["result"]["schema"]["$ref"].rpartition("/")[2]
    assert "scan_id" in document["components"]["schemas"][reference]["properties"]


def test_two_methods_of_one_name_are_a_mistake_of_the_program() -> None:
    method = Method("status", Bench.defect, NoParams, int, "")
    with pytest.raises(ValueError, match="twice"):
        table(method, method)


words = st.text("a7é\ud800 \0", max_size=6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner) | st.dictionaries(words, inner),
    max_leaves=8,
)
members = st.sampled_from(["jsonrpc", "id", "method", "params", "idempotency_key"])


@settings(deadline=None)
@given(
    st.binary()
    | st.dictionaries(members, json_values | st.just("2.0") | st.just("area")).map(
        lambda tree: json.dumps(tree).encode()
    )
)
@example(b'{"jsonrpc":"2.0","id":' + b"9" * 1_500 + b',"method":"area"}')
@example(b'{"jsonrpc":"2.0","id":' + b"9" * 1_500 + b"}")
def test_whatever_comes_is_answered_in_json(body: bytes) -> None:
    async def ask() -> list[bytes] | None:
        return await Bench().dispatcher.answer(body)

    reply = asyncio.run(ask())
    if reply is not None:
        tree = json.loads(reply[0])
        assert tree["jsonrpc"] == "2.0"
        assert ("result" in tree) != ("error" in tree)
