"""The peer: what one writes in an afternoon. A FastAPI application that forecasts every request on its own."""

from __future__ import annotations

import os
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

import gatecast as gc
from gatecast.workflow import forecast_facts

app = FastAPI()
model = gc.load(os.environ["MODEL"])


class Asked(BaseModel):
    """Columns of a history."""

    history: dict[str, list[Any]]


@app.post("/v1/forecast")
def forecast(asked: Asked) -> list[dict[str, Any]]:
    """Its forecast."""
    made = forecast_facts(model.predict(asked.history))
    return [
        {**one, "forecast": one["forecast"].tolist(), "quantiles": {q: v.tolist() for q, v in one["quantiles"].items()}}
        for one in made
    ]
