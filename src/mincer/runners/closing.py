"""What is closed at the end of its `with`, and may be closed by hand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

__all__ = ["Closing"]


class Closing(ABC):
    """Derive a class that holds something, and say how it lets go of it."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it. Allowed twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
