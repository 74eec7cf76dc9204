"""The data plane: what happens to pairs. Pure; never sees a worker or a timeout."""
