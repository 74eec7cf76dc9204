"""The hands: child processes that run attempts. A slot is a child."""
