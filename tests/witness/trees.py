"""Logs for the tests of witnesses: trees of any size, their signed checkpoints and proofs, and their forks."""

import base64

from ledger.checkpoint import Checkpoint, Note, Signature, VerifierKey, sign_checkpoint
from ledger.merkle import Frontier, consistency_proof, leaf_hash
from ledger.signing import SigningKey

ORIGIN = "ledger.example/test"
LOG_KEY = SigningKey.from_seed(bytes(range(1, 33)))
LOG = VerifierKey(ORIGIN, LOG_KEY.public)


class Tree:
    """A log of `size` made-up entries; trees with another `tag` have another history from entry `same` on."""

    def __init__(
        self, size: int, tag: str = "", same: int = 0, key: SigningKey = LOG_KEY, origin: str = ORIGIN
    ) -> None:
        self.key, self.origin = key, origin
        self._nodes: dict[tuple[int, int], bytes] = {}
        frontier = Frontier()
        self.roots = [frontier.root()]
        for index in range(size):
            data = f"{tag if index >= same else ''}{index}".encode()
            for level, place, value in frontier.append(leaf_hash(data)):
                self._nodes[level, place] = value
            self.roots.append(frontier.root())

    def note(self, size: int, root: bytes | None = None) -> bytes:
        """The signed checkpoint of this size, or one that claims another root."""
        if size == 0 and root is not None:
            return self.impossible(root)
        return sign_checkpoint(Checkpoint(self.origin, size, root or self.roots[size]), self.key)

    def impossible(self, root: bytes) -> bytes:
        """A signed checkpoint of no entries with a root that no tree has."""
        text = f"{self.origin}\n0\n{base64.b64encode(root).decode()}\n".encode()
        key = VerifierKey(self.origin, self.key.public)
        return Note(text, (Signature(key.name, key.key_id, self.key.sign(text)),)).encode()

    def proof(self, old: int, new: int) -> tuple[bytes, ...]:
        """The consistency proof between two sizes."""
        return consistency_proof(old, new, lambda level, place: self._nodes[level, place])
