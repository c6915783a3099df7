"""The connections over which those who enrol keys are reading, as far as one worker sees them (dispute H01)."""

import time
from collections import OrderedDict
from collections.abc import Iterable
from ipaddress import ip_address
from threading import Lock

from api.http.audience import Viewer
from api.http.settings import Network
from ledger.procedure.acts import DISCIPLINE, ORGANISER, REGISTRAR

ADMINS = frozenset({REGISTRAR, DISCIPLINE, ORGANISER})
"""Those who enrol keys, confirm them, and run the votes."""
_MOST = 4096
Peer = tuple[str, int]


class AdminConnections:
    """Who reads over which connection, by the address and port of its other end."""

    def __init__(self, seconds: float = 15) -> None:
        """Forget a connection that was silent for `seconds`, after which the service has closed it."""
        self._seen: OrderedDict[Peer, tuple[str, float]] = OrderedDict()
        self._seconds, self._lock = seconds, Lock()

    def saw(self, peer: Peer | None, viewer: Viewer, trusted: Iterable[Network]) -> None:
        """Remember over which connection somebody reads; a proxy's is everybody's, and says nothing."""
        if peer is None or viewer.person is None or viewer.roles.isdisjoint(ADMINS) or _proxied(peer[0], trusted):
            return
        with self._lock:
            self._seen[peer] = (viewer.person, time.monotonic())
            self._seen.move_to_end(peer)
            if len(self._seen) > _MOST:
                self._seen.popitem(last=False)

    def on(self, peer: Peer | None) -> str | None:
        """Return who was reading over this connection a moment ago."""
        if peer is None or peer not in self._seen:
            return None
        with self._lock:
            person, at = self._seen.get(peer, (None, 0.0))
            if person is None or time.monotonic() - at > self._seconds:
                self._seen.pop(peer, None)
                return None
            self._seen[peer] = (person, time.monotonic())
            return person


def _proxied(host: str, trusted: Iterable[Network]) -> bool:
    try:
        found = ip_address(host)
    except ValueError:
        return True
    return any(found in network for network in trusted)
