"""What a method of `control` is, and who is calling."""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from ..documents.base import StrictDocument

P = TypeVar("P", bound=StrictDocument)


@dataclass(frozen=True, slots=True)
class Method(Generic[P]):
    """One method, complete enough to be served and documented.

    Attributes:
        name: dotted, such as `scan.start`.
        handler: takes the checked parameters, returns what `result` describes; it never does long work, it
            starts it.
        params: model of the parameters; strict, so that a misspelt one is refused.
        result: any type that pydantic can describe.
        summary: one line.
        effect: what changes in the world; "none" for a question.
        completes: `immediately`, or the type of the event that ends what was started.
    """

    name: str
    handler: Callable[[P], Awaitable[object]]
    params: type[P]
    result: Any
    summary: str
    effect: str = "none"
    completes: str = "immediately"


Methods = Mapping[str, Method[Any]]


def table(*methods: Method[Any]) -> Methods:
    """The methods by name.

    Raises:
        ValueError: two have the same name.
    """
    named = {method.name: method for method in methods}
    if len(named) != len(methods):
        raise ValueError(f"a method is named twice: {sorted(method.name for method in methods)}")
    return named


class Caller(NamedTuple):
    """Whose request a handler is serving. `client` is the name of the client's key, empty on `ipc://`."""

    request_id: str = ""
    client: str = ""


_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def caller() -> Caller:
    """The caller, seen from inside a handler; its `request_id` is the natural `cause` of an event."""
    return _caller.get() or Caller()


def set_caller(who: Caller) -> None:
    """Used by the dispatcher, whose every request runs in a context of its own."""
    _caller.set(who)
