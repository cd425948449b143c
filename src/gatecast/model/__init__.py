"""The network. torch only; knows nothing of panels or files."""
