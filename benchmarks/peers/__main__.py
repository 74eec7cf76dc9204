"""`python -m benchmarks.peers`: list the peers and whether each is ready."""

import sys

from benchmarks.peers.environments import PEERS, ready


def main() -> int:
    """Make what is missing, say what is there; 1 when a peer is left out."""
    left_out = 0
    for peer in PEERS:
        answer = ready(peer.name)
        state = "ready" if not isinstance(answer, str) else f"left out: {answer}"
        left_out += isinstance(answer, str)
        print(f"{peer.name:17} {peer.label:22} {state}", flush=True)
    return 1 if left_out else 0


if __name__ == "__main__":
    sys.exit(main())
