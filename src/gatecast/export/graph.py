"""An ONNX graph that is written as numpy is: values with operators, one node for each.

    graph = Graph()
    history = graph.input("history", np.float64, ("windows", 12, 1))
    change = history[:, 1:] - history[:, :-1]            # two Slice nodes and a Sub

Constants take the type of what they are combined with, and equal ones are written once. Nothing is traced and nothing
is guessed: what a graph computes is what was written.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, TypeAlias

import numpy as np

from gatecast.errors import ConfigError

__all__ = ["OPSET", "Dimension", "Graph", "Number", "Value", "concat", "require_onnx"]

OPSET, IR_VERSION = 17, 8  # of 2022: read by every runtime since
LAST = 2**62  # an end beyond every axis

Dimension: TypeAlias = "int | str"  # a name for one that may have any size
Number: TypeAlias = "float | np.ndarray | np.generic"


def require_onnx() -> None:
    """Raise ConfigError where onnx is missing; nothing is imported. To be called before any work is done."""
    if importlib.util.find_spec("onnx") is None:
        raise ConfigError("an export needs onnx: pip install 'gatecast[onnx]'.")


@dataclass(frozen=True)
class Value:
    """What a node gives.

    Args:
        graph: that it is part of.
        name: of it there.
        dtype: of its numbers.
    """

    graph: Graph
    name: str
    dtype: np.dtype[Any]

    # ---------------------------------------------------------------- arithmetic

    def __add__(self, other: Value | Number) -> Value:
        return self.graph.node("Add", self, self._like(other))

    def __sub__(self, other: Value | Number) -> Value:
        return self.graph.node("Sub", self, self._like(other))

    def __mul__(self, other: Value | Number) -> Value:
        return self.graph.node("Mul", self, self._like(other))

    def __truediv__(self, other: Value | Number) -> Value:
        return self.graph.node("Div", self, self._like(other))

    def __rsub__(self, other: Number) -> Value:
        return self.graph.node("Sub", self._like(other), self)

    def __rtruediv__(self, other: Number) -> Value:
        return self.graph.node("Div", self._like(other), self)

    def __mod__(self, other: int) -> Value:
        """What is left of whole numbers, from 0 on, as in Python."""
        return self.graph.node("Mod", self, self._like(other))

    def __matmul__(self, other: Value | Number) -> Value:
        return self.graph.node("MatMul", self, self._like(other))

    def __gt__(self, other: Value | Number) -> Value:
        return self.graph.node("Greater", self, self._like(other), dtype=np.bool_)

    def function(self, operator: str) -> Value:
        """A function of each number: "Log", "Exp", "Abs", "Sqrt", "Tanh", "Softplus", ..."""
        return self.graph.node(operator, self)

    def clip(self, low: float, high: float) -> Value:
        """Numbers within two limits."""
        return self.graph.node("Clip", self, self._like(low), self._like(high))

    def where(self, yes: Value | Number, no: Value | Number) -> Value:
        """``yes`` where this is true, else ``no``; one of them is a value."""
        like = yes if isinstance(yes, Value) else no
        assert isinstance(like, Value)
        return self.graph.node("Where", self, like._like(yes), like._like(no), dtype=like.dtype)

    def sum(self, axis: int) -> Value:
        """Over an axis, which stays with one place."""
        return self.graph.node("ReduceSum", self, self.graph.constant(np.array([axis])), keepdims=1)

    # ---------------------------------------------------------------- shape

    def __getitem__(self, key: Any) -> Value:
        """Slices with a step of 1 and ``...``, as of numpy: no axis is lost."""
        keys = key if isinstance(key, tuple) else (key,)
        behind = len(keys) - keys.index(...) - 1 if ... in keys else 0
        cuts = [(place if place < len(keys) - behind else place - len(keys), cut) for place, cut in enumerate(keys)]
        cuts = [(axis, cut) for axis, cut in cuts if not isinstance(cut, EllipsisType) and cut != slice(None)]
        if not cuts:
            return self
        begins = [cut.start or 0 for _, cut in cuts]
        ends = [LAST if cut.stop is None else cut.stop for _, cut in cuts]
        parts = [np.array(part) for part in (begins, ends, [axis for axis, _ in cuts])]
        return self.graph.node("Slice", self, *map(self.graph.constant, parts))

    def take(self, places: Value | Sequence[int] | int, axis: int) -> Value:
        """The places of an axis that are asked for, as ``np.take``: a single number takes the axis away."""
        index = places if isinstance(places, Value) else self.graph.constant(np.array(places, np.int64))
        return self.graph.node("Gather", self, index, axis=axis)

    def reshape(self, *shape: int) -> Value:
        """0 keeps an axis, -1 takes what is left."""
        return self.graph.node("Reshape", self, self.graph.constant(np.array(shape, np.int64)))

    def transpose(self, *axes: int) -> Value:
        """The axes in another order."""
        return self.graph.node("Transpose", self, perm=list(axes))

    def sorted(self, count: int) -> Value:
        """The numbers of the last axis, of which there are ``count``, the smallest first."""
        size = self.graph.constant(np.array([count], np.int64))
        return self.graph.nodes("TopK", (self, size), 2, largest=0)[0]

    def cast(self, kind: type[np.generic]) -> Value:
        """As numbers of another type."""
        return self.graph.node("Cast", self, to=_kind(np.dtype(kind)), dtype=kind)

    def _like(self, other: Value | Number) -> Value:
        """A number as a constant of the same type."""
        if isinstance(other, Value):
            assert other.dtype == self.dtype, f"{self.name} is {self.dtype}, {other.name} is {other.dtype}"
            return other
        return self.graph.constant(np.asarray(other, self.dtype))


class Graph:
    """A graph under construction."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], Value] = {}
        self._tensors: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, kind: type[np.generic], shape: Sequence[Dimension], about: str) -> Value:
        """What the caller gives.

        Args:
            name: of it.
            kind: of its numbers.
            shape: sizes, and names of those that may be any.
            about: what it is, in a few words.
        """
        self._inputs.append(_described(name, kind, shape, about))
        return Value(self, name, np.dtype(kind))

    def output(self, name: str, value: Value, shape: Sequence[Dimension], about: str) -> None:
        """What the caller gets; see ``input``."""
        from onnx import helper

        self._nodes.append(helper.make_node("Identity", [value.name], [name]))
        self._outputs.append(_described(name, value.dtype.type, shape, about))

    def constant(self, array: np.ndarray) -> Value:
        """Numbers that are part of the graph."""
        from onnx import numpy_helper

        array = np.ascontiguousarray(array).reshape(array.shape)  # it makes (1,) of a single number
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._constants:
            name = f"constant_{len(self._constants)}"
            self._tensors.append(numpy_helper.from_array(array, name))
            self._constants[key] = Value(self, name, array.dtype)
        return self._constants[key]

    def node(self, operator: str, *inputs: Value, dtype: Any = None, **attributes: Any) -> Value:
        """The one output of an operator, of ``dtype`` or of that of its first input."""
        return self.nodes(operator, inputs, 1, dtype=dtype, **attributes)[0]

    def nodes(
        self, operator: str, inputs: Sequence[Value | None], outputs: int, *, dtype: Any = None, **attributes: Any
    ) -> list[Value]:
        """The outputs of an operator; an input that is None is left out."""
        from onnx import helper

        first = next(value for value in inputs if value is not None)
        names = [f"{operator.lower()}_{len(self._nodes)}_{place}" for place in range(outputs)]
        given = ["" if value is None else value.name for value in inputs]
        self._nodes.append(helper.make_node(operator, given, names, **attributes))
        return [Value(self, name, np.dtype(dtype or first.dtype)) for name in names]

    def written(self, name: str, about: str, metadata: dict[str, str], version: str) -> bytes:
        """The bytes of the model file, checked by onnx.

        Args:
            name: of the graph.
            about: what it does, for people.
            metadata: what programs may read.
            version: of Gatecast.
        """
        import onnx
        from onnx import helper

        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], doc_string=about)
        model.ir_version, model.producer_name, model.producer_version = IR_VERSION, "gatecast", version
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)


def concat(values: Sequence[Value], axis: int) -> Value:
    """Values beside each other."""
    first = values[0]
    assert all(value.dtype == first.dtype for value in values)
    return first if len(values) == 1 else first.graph.node("Concat", *values, axis=axis)


def _described(name: str, kind: type[np.generic], shape: Sequence[Dimension], about: str) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, _kind(np.dtype(kind)), list(shape), about)


def _kind(dtype: np.dtype[Any]) -> int:
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(dtype))
