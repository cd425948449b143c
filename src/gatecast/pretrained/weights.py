"""The trained weights that come with the package, by name. Model files refer to a name: it keeps its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from gatecast.errors import ConfigError
from gatecast.nn.kernels import load as load_kernels
from gatecast.nn.threads import torch_on_one_thread

if TYPE_CHECKING:
    from gatecast.pretrained.gate import Gate

__all__ = ["NEWEST", "WIDTHS", "gate_named", "is_there", "names"]

NEWEST = "gate-2"
_ENDING = ".safetensors"

WIDTHS: Mapping[str, tuple[float, float]] = MappingProxyType({"gate-2": (1.03, 1.2)})
"""``gate.Widths`` by name; others stay as they were learned.

With them intervals of 80 % held 77 to 84 % on spans inside the training parts of open sets: M3, M4, 38 single series.
"""


def names() -> list[str]:
    """All that are there."""
    folder = files("gatecast.pretrained")
    return sorted(file.name.removesuffix(_ENDING) for file in folder.iterdir() if file.name.endswith(_ENDING))


def is_there() -> bool:
    """Whether the newest weights can be used here: they are there, and so are the compiled kernels for the bank."""
    return NEWEST in names() and load_kernels() is not None


@cache
def gate_named(name: str) -> Gate:
    """The gate with the weights of a name, which are kept as float16; loaded once.

    Raises:
        ConfigError: there are none of that name here.
    """
    import torch  # here, for describing a model file must not load it
    from safetensors.torch import load

    from gatecast.pretrained.gate import Gate, GateSizes, Widths
    from gatecast.training.device import drawing

    if name not in names():
        raise ConfigError(f"there are no pretrained weights {name!r} in this version. There: {', '.join(names())}.")
    arrays = load((files("gatecast.pretrained") / f"{name}{_ENDING}").read_bytes())
    # on one thread: in a forked process the others, which a large copy would be shared with, are not there
    with torch_on_one_thread(), drawing(seed=0), torch.device("cpu"):
        gate = Gate(GateSizes(arrays["lstm.weight_hh_l0"].shape[1], arrays["mix.bias"].shape[0])).float()
        gate.load_state_dict({key: value.to(torch.float32) for key, value in arrays.items()})
    gate.widths = Widths(*WIDTHS.get(name, ()))
    return gate.eval().requires_grad_(False)
