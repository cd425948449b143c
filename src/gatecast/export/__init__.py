"""Fitted models as ONNX graphs, which run where Gatecast is not installed (extra ``onnx``)."""
