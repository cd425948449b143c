"""Trained weights by name: what is there, and that a gate has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from gatecast.errors import ConfigError
from gatecast.nn.kernels import load
from gatecast.pretrained import weights
from gatecast.pretrained.gate import Gate, GateSizes

from .gates import shaken


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stands for that of the package; nothing is there at first but a file of another kind."""
    (tmp_path / "gate.py").touch()
    monkeypatch.setattr(weights, "files", lambda package: tmp_path)
    weights.gate_named.cache_clear()
    yield tmp_path
    weights.gate_named.cache_clear()


def kept(gate: Gate, path: Path) -> dict[str, torch.Tensor]:
    """Write a gate as the package keeps it."""
    arrays = {name: value.to(torch.float16).contiguous() for name, value in gate.state_dict().items()}
    save_file(arrays, path)
    return arrays


@pytest.mark.parametrize("sizes", [GateSizes(8, 8), GateSizes(4, 12)], ids=str)
def test_a_gate_has_the_weights_and_sizes_of_its_file(folder: Path, sizes: GateSizes) -> None:
    arrays = kept(shaken(0, 0.5, sizes), folder / "some-7.safetensors")
    gate = weights.gate_named("some-7")
    assert gate.sizes == sizes
    assert not gate.training
    for name, value in gate.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, arrays[name].to(torch.float32))
    assert not any(parameter.requires_grad for parameter in gate.parameters())


def test_a_gate_is_loaded_once_and_draws_nothing(folder: Path) -> None:
    kept(shaken(0, 0.5), folder / "some.safetensors")
    before = torch.get_rng_state()
    gate = weights.gate_named("some")
    (folder / "some.safetensors").unlink()
    assert weights.gate_named("some") is gate
    assert torch.equal(torch.get_rng_state(), before)


def test_an_unknown_name_is_an_error_that_lists_the_others(folder: Path) -> None:
    for name in "bfadce":
        kept(shaken(0, 0.5), folder / f"{name}.safetensors")
    assert weights.names() == list("abcdef")
    with pytest.raises(ConfigError, match=r"no pretrained weights 'g' in this version\. There: a, b, c, d, e, f\."):
        weights.gate_named("g")


def test_the_newest_is_there_with_its_file_and_the_kernels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not weights.is_there()
    kept(shaken(0, 0.5), folder / f"{weights.NEWEST}.safetensors")
    assert weights.is_there() == (load() is not None)
    monkeypatch.setattr(weights, "load_kernels", lambda: None)
    assert not weights.is_there()
