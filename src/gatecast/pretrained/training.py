"""Trains the gate: step by step from made-up series, to be stopped at any time and continued where it was.

    warm up ── constant rate, as long as one likes ── (a copy) decay to 0 ── weights

Each batch is a function of (seed, step), and torch draws nothing. So a training that was stopped and continued ends
with the bytes of one that was not. The constant rate with a decay at the end, after which the constant part may still
go on: Hägele et al. 2024, "Scaling laws and compute-optimal training beyond fixed training durations".
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from gatecast.pretrained.gate import LEVELS, MIDDLE, Gate, GateSizes
from gatecast.pretrained.lessons import Lesson
from gatecast.pretrained.weights import gate_named
from gatecast.training.device import drawing

__all__ = ["Recipe", "Training", "loss_of"]

MOST = 10.0  # times its scale that an error counts at most


@dataclass(frozen=True)
class Recipe:
    """Settings of a training.

    Args:
        seed: of weights and series.
        sizes: of the network.
        rate: learning rate after the warm-up.
        warm_up: steps of it.
        decay: weight decay.
        clip: largest norm of a gradient.
        start: name of the weights to begin with, whose sizes the network then has; "" = random ones.
    """

    seed: int = 0
    sizes: GateSizes = field(default_factory=GateSizes)
    rate: float = 1.5e-3
    warm_up: int = 300
    decay: float = 1e-3
    clip: float = 1.0
    start: str = ""


class Training:
    """A gate in training.

    Args:
        recipe: the settings.
        gate: the network, where it is not the one that the settings describe.
    """

    def __init__(self, recipe: Recipe, gate: Gate | None = None) -> None:
        self.recipe = recipe
        self.gate = gate or _first_gate(recipe)
        self.optimizer = torch.optim.AdamW(self.gate.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
        self.step = 0
        self.cooled_from: int | None = None
        self.cooling = 0

    def cool(self, steps: int) -> None:
        """Let the rate fall to 0 over the next steps."""
        self.cooled_from, self.cooling = self.step, steps

    @property
    def rate(self) -> float:
        """Learning rate of the next step."""
        risen = self.recipe.rate * min(1.0, (self.step + 1) / self.recipe.warm_up)
        if self.cooled_from is None:
            return risen
        return risen * max(0.0, 1 - (self.step - self.cooled_from + 0.5) / self.cooling)

    def learn(self, lesson: Lesson) -> float:
        """Take one step; gives the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate
        self.optimizer.zero_grad(set_to_none=True)
        loss = loss_of(self.gate, lesson)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.gate.parameters(), self.recipe.clip)
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())

    # ---------------------------------------------------------------- files

    def save(self, path: Path) -> None:
        """Write all that the training needs to go on, in one step."""
        arrays = {f"weight.{name}": value.contiguous() for name, value in self.gate.state_dict().items()}
        for name, parameter in self.gate.named_parameters():
            for what, value in self.optimizer.state[parameter].items():
                arrays[f"{what}.{name}"] = value.contiguous()
        facts: dict[str, object] = {"step": self.step, "cooled_from": self.cooled_from, "cooling": self.cooling}
        facts |= {"recipe": asdict(self.recipe)}
        beside = path.with_suffix(".part")
        save_file(arrays, beside, {"training": json.dumps(facts)})
        os.replace(beside, path)

    @classmethod
    def load(cls, path: Path) -> Training:
        """Go on from a file that ``save`` wrote."""
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["training"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- not a mapping
        settings = facts["recipe"]
        made = cls(Recipe(**settings | {"sizes": GateSizes(**settings["sizes"])}))
        made.step, made.cooled_from, made.cooling = facts["step"], facts["cooled_from"], facts["cooling"]
        made.gate.load_state_dict({name: arrays[f"weight.{name}"] for name in made.gate.state_dict()})
        for name, parameter in made.gate.named_parameters() if made.step else ():  # at 0 the optimizer keeps nothing
            kept = ("step", "exp_avg", "exp_avg_sq")
            made.optimizer.state[parameter] = {what: arrays[f"{what}.{name}"] for what in kept}
        return made


def _first_gate(recipe: Recipe) -> Gate:
    with drawing(recipe.seed):
        if not recipe.start:
            return Gate(recipe.sizes)
        start = gate_named(recipe.start)
        gate = Gate(start.sizes)
    gate.load_state_dict(start.state_dict())
    return gate


def loss_of(gate: Gate, lesson: Lesson) -> Tensor:
    """Half the absolute error of the median and half the mean of twice the pinball losses, in units of the scale."""
    bank = lesson.bank
    tensors = map(torch.from_numpy, (bank.forecast_BHK, bank.error_BK2, bank.channel_BTC, lesson.ahead_H))
    quantiles_BHQ = gate(*tensors, lesson.season).quantiles_BHQ
    truth_BH1 = torch.from_numpy(lesson.truth_BH.astype(np.float32))[..., None]
    scale_B = torch.from_numpy(lesson.scale_B.astype(np.float32))
    levels_Q = torch.tensor(LEVELS)
    over_BHQ = truth_BH1 - quantiles_BHQ
    pinball_BHQ = 2 * torch.maximum(levels_Q * over_BHQ, (levels_Q - 1) * over_BHQ)
    error_BH = (pinball_BHQ[..., MIDDLE] + pinball_BHQ.mean(-1)) / 2
    relative_B = error_BH.mean(1) / scale_B.clamp_min(0.05)
    return relative_B.clamp_max(MOST).mean()
