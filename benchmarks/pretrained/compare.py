"""Networks beside the gate, of other sizes and with a free output: ``python -m benchmarks.pretrained.compare``.

All begin with random weights and take the same steps on the same made-up series, with a rate that falls to 0 at the
end. They are scored on spans inside the training parts of real series. ``free`` forecasts by itself, in asinh of mean
steps: its median is not a mean of the bank's forecasts; it reads them, or nothing of the bank.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.pretrained.score import table
from benchmarks.pretrained.train import lessons
from gatecast.pretrained.gate import Gate, GateSizes, Weighed, quantiles_around
from gatecast.pretrained.training import Recipe, Training
from gatecast.training.device import drawing

FARTHEST = 8.0  # asinh of mean steps


class Free(Gate):
    """The same network with a forecast of its own."""

    reads_bank = True

    def __init__(self, sizes: GateSizes | None = None) -> None:
        super().__init__(sizes)
        self.median = nn.Linear(self.sizes.mixing, 1)

    def weigh(self, state_BD: Tensor, forecast_BHK: Tensor, ahead_H: Tensor, season: int) -> Weighed:
        """Quantiles; the weights of the bank are all 0."""
        read_BHK = torch.nan_to_num(forecast_BHK) * float(self.reads_bank)
        mixed_BHM = self.mixed(state_BD, read_BHK, ahead_H, season)
        median_BH = torch.sinh(self.median(mixed_BHM)[..., 0].clamp(-FARTHEST, FARTHEST))
        spread_BH = 1 + median_BH.detach().abs() / 4
        quantiles_BHQ = quantiles_around(self.shape(mixed_BHM), median_BH, spread_BH)
        return Weighed(quantiles_BHQ, torch.zeros_like(read_BHK))


class FreeWithoutBank(Free):
    """Reads the series alone."""

    reads_bank = False

    def read(self, error_BK2: Tensor, channel_BTC: Tensor) -> Tensor:
        """The state of the LSTM alone."""
        return super().read(torch.full_like(error_BK2, torch.nan), channel_BTC)


CONTESTANTS: dict[str, tuple[Callable[[GateSizes], Gate], GateSizes]] = {
    "gate": (Gate, GateSizes()),
    "gate, half as wide": (Gate, GateSizes(64, 128)),
    "gate, twice as wide": (Gate, GateSizes(256, 320)),
    "free, reads the bank": (Free, GateSizes()),
    "free, without a bank": (FreeWithoutBank, GateSizes()),
}


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--nice", type=int, default=10)
    options = parser.parse_args()
    os.nice(options.nice)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    trainings = {name: _begun(name, options.seed, options.steps) for name in CONTESTANTS}
    seconds = dict.fromkeys(trainings, 0.0)
    for step, lesson in zip(range(options.steps), lessons(options.seed, 0, 1), strict=False):
        for name, training in trainings.items():
            begun = time.thread_time()
            training.learn(lesson)
            seconds[name] += time.thread_time() - begun
        if step % 100 == 99:
            print(f"{step + 1} of {options.steps} steps", flush=True)
    for name, training in trainings.items():
        weights = sum(parameter.numel() for parameter in training.gate.parameters())
        print(f"{name} · {weights:,} weights · {seconds[name] / options.steps * 1e3:.0f} ms a step")
        for of, figures in table(training.gate, test=False).items():
            print(f"  {of:14s}", "  ".join(f"{key} {value:.4g}" for key, value in figures.items()), flush=True)


def _begun(name: str, seed: int, steps: int) -> Training:
    make, sizes = CONTESTANTS[name]
    with drawing(seed):
        training = Training(Recipe(seed, sizes), make(sizes))
    training.cool(steps)
    return training


if __name__ == "__main__":
    main()
