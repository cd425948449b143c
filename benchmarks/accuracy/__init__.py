"""Accuracy of Gatecast's defaults on public benchmarks, beside naive forecasts and other libraries."""
