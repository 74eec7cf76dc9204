"""The control plane: what should be done next. Pure; never sees a key or a value."""
