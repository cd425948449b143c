"""What the compiled extension offers; its sources lie in ``kernels/``.

All sizes are int, all addresses are those of float32 numbers unless said; 0 stands for absent. Strides count elements,
the last axis is contiguous. Who calls keeps the buffers alive and of the right size: nothing here can check that.
"""

Address = int
Memory = object

def variants() -> tuple[str, ...]:
    """Instruction sets that this machine can run, best first."""

def variant() -> str:
    """The instruction set in use."""

def use(name: str, /) -> None:
    """Use another one.

    Raises:
        ValueError: this machine cannot run it.
    """

def lstm_forward(
    shape: tuple[int, int, int, int, int, int, int, int, int, int, int],
    data: tuple[Address, Address, Address, Address, Address, Address, Address],
    weights: tuple[Address, ...],
    threads: int,
    train: bool,
    dropout: float,
    seed: int,
    halves: bool,
    /,
) -> Memory | None:
    """Run an LSTM of one or more layers over a batch.

    Args:
        shape: batch, steps, features, hidden, layers, directions, x_batch_stride, x_step_stride, out_batch_stride,
            out_step_stride, keep. Of the steps the last ``keep`` are written to ``out``; fewer than all need one
            direction and no lengths.
        data: x, lengths, h0, c0, out, hn, cn. ``lengths`` is int64 (B,), never rising, 1..steps, or 0. The states are
            (layers * directions, B, D); ``hn`` and ``cn`` must be given. Outputs past a row's length are written as 0.
        weights: w_ih, w_hh, b_ih, b_hh for every layer and direction, in the order of ``nn.LSTM``.
        threads: how many to use.
        train: keep what ``lstm_backward`` needs.
        dropout: probability between layers while training.
        seed: of the dropout.
        halves: two bf16 for each number will do, where that is faster; not while training.

    Returns:
        Memory for ``lstm_backward`` where ``train``, else None.
    """

def lstm_backward(
    memory: Memory,
    data: tuple[Address, Address, Address, Address, Address, Address, Address],
    strides: tuple[int, int, int, int, int, int],
    weights: tuple[Address, ...],
    gradients: tuple[Address, ...],
    /,
) -> None:
    """Go back through what ``lstm_forward`` did; can be called again on the same memory.

    Args:
        memory: what ``lstm_forward`` gave.
        data: x, dout, dhn, dcn, dx, dh0, dc0; ``dout`` covers the kept steps only.
        strides: x_batch, x_step, dout_batch, dout_step, dx_batch, dx_step.
        weights: as given to ``lstm_forward``.
        gradients: like ``weights``, overwritten; 0 where not wanted.
    """

def trainer(
    shape: tuple[int, int, int, int, int, int, int, int, int, int, int],
    settings: tuple[str, tuple[float, ...], int, str, float, float, float, float, int, int],
    values: tuple[Address, ...],
    gradients: tuple[Address, ...],
    flat: tuple[int, Address, Address, Address, Address],
    /,
) -> Memory:
    """What trains a network of ``gatecast.model.lstm`` in place.

    Args:
        shape: lookback, features, patch, hidden, layers, origins, horizon, targets, raws, skip, future covariates of
            the step readout (0 = there is none).
        settings: loss (mse, mae, huber, pinball), levels of the pinball loss, position of its location, optimizer
            (none, sgd, adam, adamw), momentum, weight decay, clip (0 = none), dropout, seed of the dropout, threads.
        values: the parameters: four of each layer, readout, its bias, skip (0 = none), and of the step readout
            from_state, its bias, from_future, out (0 = none).
        gradients: theirs.
        flat: count, values, gradient, and what the optimizer remembers of each (two, zero at the start), all flat.
    """

def train(
    trainer: Memory,
    data: tuple[Address, Address, Address, Address],
    rows: tuple[int, int, int],
    sizes: tuple[int, ...],
    rates: tuple[float, ...],
    number: int,
    results: Address,
    /,
) -> None:
    """Take one step for each of some batches that lie one after the other.

    Args:
        trainer: what ``trainer`` gave.
        data: context (B, L, F), target (B, K, H * C), weight (as target, or 0), future (B, K, H, F2), or 0
            without a step readout.
        rows: numbers in one row of the context, of the target, and of the future covariates.
        sizes: rows of each batch.
        rates: learning rate of each step.
        number: steps taken before.
        results: (S, 3) loss, mean absolute error of the location and norm of the gradient before clipping.
    """

def exponential_smoothing(
    data: tuple[Address, Address, Address, Address],
    strides: tuple[int, int],
    wide: bool,
    sizes: tuple[int, int, int, int],
    lags: tuple[int, ...],
    threads: int,
    /,
) -> None:
    """Average exponential smoothings, as ``gatecast.statistical.exponential`` does.

    Args:
        data: values (R, C), float64 or float32, NaN = missing; first (B,) and origin (B,), int64, first <= origin < R;
            out (B, H, C) float64.
        strides: of a row and of a column of the values, in bytes.
        wide: the values are float64.
        sizes: B, C, H, season.
        lags: steps ahead that are judged, rising, at most 6.
        threads: how many to use.
    """

def smoothed_levels(
    data: tuple[Address, Address, Address, Address, Address, Address],
    wide: bool,
    sizes: tuple[int, int, int],
    gains: tuple[float, float],
    threads: int,
    /,
) -> None:
    """Smooth level and season of series, as ``gatecast.windows.smoothing`` does.

    Args:
        data: values (P, C), the series one after the other, all present; first (N,) and length (N,), int64: rows of
            each series in the results; before (N,), int64: steps before its first row, where level and season hold its
            first rows already, as many as a season has; level (R, C) and season (R, C), which is written with a season
            alone.
        wide: values, level and season are float64, else float32.
        sizes: N, C, season.
        gains: alpha, gamma.
        threads: how many to use.
    """

def bank(
    data: tuple[int, int, int],
    made: tuple[int, int, int, int],
    sizes: tuple[int, int, int, int, int],
    threads: int,
    /,
) -> None:
    """The simple forecasts that the pretrained gate weighs; see ``gatecast/pretrained/bank.py``.

    Args:
        data: addresses of the values (float64), and of the first row and the length of each series (int64).
        made: addresses of what is written, float32: forecasts (B, H, K), errors (B, K, 2), channels (B, T, C); and
            float64: units (B, 2).
        sizes: series B, season (1 = none), longer season (0 = none), horizon H, steps T of the channels.
        threads: at most.

    Raises:
        ValueError: a size is not positive.
        MemoryError: there is no room for the work space.
    """

def pack_gate(sizes: tuple[int, int, int, int, int], least: tuple[float, float], weights: tuple[int, ...], /) -> object:
    """The layers of the pretrained gate above its LSTM, packed; see ``gatecast/pretrained/packed.py``.

    Args:
        sizes: units of the LSTM, experts, units of the mixing layers, levels, place of the level 0.5.
        least: what is added to how far the experts are apart, and to a past error.
        weights: nine addresses, float32: weight and bias of each layer; that of the step has no bias.
    """

def weigh(
    gate: object,
    data: tuple[int, int, int],
    made: tuple[int, int],
    sizes: tuple[int, int, int, int, int, int],
    threads: int,
    /,
) -> None:
    """Weigh the forecasts of many series.

    Args:
        gate: what ``pack_gate`` gave.
        data: addresses of the LSTM's last outputs (B, T, D), past errors (B, K, 2) and forecasts (B, H, K), float32.
        made: addresses of what is written: quantiles (B, H, Q) and weights (B, H, K), float32.
        sizes: B, T, H, season, steps ahead of the first forecast, numbers from one series' forecasts to the next's.
        threads: how many to use.
    """
