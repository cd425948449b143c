"""Where independent jobs run: serially, on threads, on processes, on Ray."""
