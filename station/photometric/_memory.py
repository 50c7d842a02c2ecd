"""What the passes need below numba's own words: memory on the stack, whole lines, choice without branch."""

from collections.abc import Callable
from math import prod
from typing import Any, TypeAlias, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import carray, njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from ._jit import LINE, ON_STACK, RUN, Array

Ir: TypeAlias = Any
"""Types, values and builders of the compiler."""


def _on_stack(builder: Ir, count: int) -> Ir:
    place = cgutils.alloca_once(builder, ir.ArrayType(ir.FloatType(), count))
    place.align = 64
    return builder.bitcast(place, ir.FloatType().as_pointer())


def scratch(*shape: int) -> Callable[[], Array]:
    """A function for the passes that gives float32 memory of this shape, on the thread's own stack.

    What it holds at first is unknown.
    """
    count = prod(shape)

    @intrinsic  # type: ignore[untyped-decorator]
    def allocate(_context: Ir) -> Ir:
        def code(_context: Ir, builder: Ir, _signature: Ir, _arguments: Ir) -> Ir:
            return _on_stack(builder, count)

        return types.CPointer(types.float32)(), code

    def take() -> Array:
        memory: Array = carray(allocate(), shape)
        return memory

    return cast("Callable[[], Array]", njit(forceinline=True)(take))


@intrinsic  # type: ignore[untyped-decorator]
def _data(_context: Ir, array: Ir) -> Ir:
    def code(context: Ir, builder: Ir, signature: Ir, arguments: Ir) -> Ir:
        return context.make_array(signature.args[0])(context, builder, arguments[0]).data

    return types.CPointer(types.float32)(array), code


def known(*shape: int) -> Callable[[Array], Array]:
    """A function for the stages: the same memory, its shape known to the compiler.

    Then it knows too that the rows, read and written in one loop, are different ones.
    """

    def view(array: Array) -> Array:
        memory: Array = carray(_data(array), shape)
        return memory

    return cast("Callable[[Array], Array]", njit(forceinline=True)(view))


@intrinsic  # type: ignore[untyped-decorator]
def _memory_of(_context: Ir, size: Ir) -> Ir:
    def code(_context: Ir, builder: Ir, _signature: Ir, _arguments: Ir) -> Ir:
        return _on_stack(builder, ON_STACK * RUN)

    return types.CPointer(types.float32)(size), code


def rows(size: Array) -> Array:
    """Scratch memory (rows, RUN), at least as many rows as a `capacity` says. For passes only."""
    raise NotImplementedError


@overload(rows, jit_options={"forceinline": True})  # type: ignore[untyped-decorator]
def _rows(size: Ir) -> Callable[[Array], Array]:
    def on_stack(size: Ir) -> Array:
        memory: Array = carray(_memory_of(size), (ON_STACK, RUN))
        return memory

    def on_heap(size: Ir) -> Array:
        return np.empty((len(size), RUN), np.float32)

    return on_stack if size.dtype.count == ON_STACK else on_heap


@intrinsic  # type: ignore[untyped-decorator]
def stream_line(_context: Ir, to: Ir, _at: Ir, source: Ir, _begin: Ir) -> Ir:
    """Store `source[begin : begin + LINE]` to `to[at : at + LINE]` past the caches (1-d float32).

    Both places must be aligned to 64 bytes. What nobody reads soon need not be read before it is written:
    that saves a third of the traffic.
    """

    def code(context: Ir, builder: Ir, signature: Ir, arguments: Ir) -> Ir:
        line = ir.VectorType(ir.FloatType(), LINE).as_pointer()
        target = context.make_array(signature.args[0])(context, builder, arguments[0])
        origin = context.make_array(signature.args[2])(context, builder, arguments[2])
        value = builder.load(builder.bitcast(builder.gep(origin.data, [arguments[3]]), line), align=64)
        store = builder.store(
            value, builder.bitcast(builder.gep(target.data, [arguments[1]]), line), align=64
        )
        one = ir.Constant(ir.IntType(32), 1)
        store.set_metadata("nontemporal", builder.module.add_metadata([one]))
        return context.get_dummy_value()

    return types.void(to, types.intp, source, types.intp), code


@intrinsic  # type: ignore[untyped-decorator]
def ramp(_context: Ir, to: Ir, _at: Ir, _left: Ir, _step: Ir) -> Ir:
    """`to[at + x] = left + x * step` for one line of 1-d float32.

    A loop of so few and so known rounds is taken apart before it could become one vector instruction.
    """

    def code(context: Ir, builder: Ir, signature: Ir, arguments: Ir) -> Ir:
        vector = ir.VectorType(ir.FloatType(), LINE)
        target = context.make_array(signature.args[0])(context, builder, arguments[0])
        zero, undefined = ir.Constant(ir.IntType(32), 0), ir.Constant(vector, ir.Undefined)
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LINE), [0] * LINE)

        def spread(value: Ir) -> Ir:
            first = builder.insert_element(undefined, value, zero)
            return builder.shuffle_vector(first, undefined, mask)

        places = ir.Constant(vector, [float(x) for x in range(LINE)])
        sloped = builder.fmul(spread(arguments[3]), places, flags=("contract",))
        value = builder.fadd(spread(arguments[2]), sloped, flags=("contract",))
        place = builder.bitcast(builder.gep(target.data, [arguments[1]]), vector.as_pointer())
        builder.store(value, place, align=4)
        return context.get_dummy_value()

    return types.void(to, types.intp, types.float32, types.float32), code


@intrinsic  # type: ignore[untyped-decorator]
def pick(_context: Ir, _condition: Ir, _yes: Ir, _no: Ir) -> Ir:
    """`yes` where the condition holds, else `no` (two float32): without a branch, so that loops vectorise."""

    def code(_context: Ir, builder: Ir, _signature: Ir, arguments: Ir) -> Ir:
        return builder.select(*arguments)

    return types.float32(types.boolean, types.float32, types.float32), code
