"""Jobs of a coordinator: what this process says, hands over, and gets back."""
