"""The data layer: panels, frames, frequencies, windows and scalers. numpy only; never imports torch."""
