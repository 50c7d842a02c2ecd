"""What a method of `control` is, and who is calling."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
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
        operates: whether it changes the station's work, and is refused while another operator has the lock.
    """

    name: str
    handler: Callable[[P], Awaitable[object]]
    params: type[P]
    result: Any
    summary: str
    effect: str = "none"
    completes: str = "immediately"
    operates: bool = False


@dataclass(frozen=True, slots=True)
class Blob:
    """What a handler answers whose reply is followed by bytes: what `Method.result` says, and those."""

    result: object
    content: bytes


Methods = Mapping[str, Method[Any]]


def operating(methods: Iterable[Method[Any]], *, free: Iterable[str] = ()) -> tuple[Method[Any], ...]:
    """The same methods; those that change something belong to the operator, those named in `free` to all."""
    return tuple(
        replace(one, operates=one.effect != "none" and one.name not in frozenset(free)) for one in methods
    )


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

    @property
    def words(self) -> str:
        """For the log."""
        return f"the key {self.client}" if self.client else "a local client"

    @property
    def cause(self) -> str:
        """Of events: the request, and over TCP whose it was."""
        return f"{self.client}:{self.request_id}" if self.client else self.request_id


_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def caller() -> Caller:
    """The caller, seen from inside a handler; its `cause` is that of an event."""
    return _caller.get() or Caller()


def set_caller(who: Caller) -> None:
    """Used by the dispatcher, whose every request runs in a context of its own."""
    _caller.set(who)
