"""What Gatecast is measured against: other libraries, plain torch, and the published loops."""
