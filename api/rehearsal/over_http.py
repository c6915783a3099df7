"""A rehearsal's ledger behind the service: forms are fetched, signed here, handed in over HTTP, receipts verified.

What the play must know of the log to go on (who sits where, which round is due) follows from the entries that it has
receipts of, folded here by the same code as everywhere; nothing is read from the database. The simulated clock goes by
`?at=`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from api.client import Client, Declined, Receipted
from api.objecting import Objecting
from api.rehearsal.driver import World
from ledger import canonical
from ledger.checkpoint import VerifierKey
from ledger.errors import VerificationError
from ledger.evidence_media import SEALED
from ledger.logstore import seen_of
from ledger.procedure.reasons import Refusal
from ledger.roll import SEALED_PREFIX
from ledger.sealing import SealContext, seal
from ledger.sealing_keys import read
from ledger.selection import Selection
from ledger.statements import Act, Seen, decode_entry, open_envelope
from ledger.statements.deliberation import DeliberationVoted
from ledger.statements.foundation import ActCountersigned
from ledger.statements.notices import ObjectionReceived
from ledger.statements.rounds import BallotCast, ScoreGiven

PAGE = "100"
Filing: TypeAlias = "Callable[[bytes, int], Receipted | Declined]"


class ServedLedger:
    """The driver's view of a service: every statement that it took is known by its proven entry."""

    def __init__(self, client: Client) -> None:
        """Act on a rehearsal log that is empty as yet, through its service."""
        self.client = client
        self.state = Selection()
        self.objecting: dict[str, Filing] = {}
        """How an objection is handed in whose sealed text was uploaded without a key, by the text's digest."""

    def submit(self, envelope: bytes, at: int, attached: bytes | None = None) -> Act | Refusal:
        """Hand in one envelope at the simulated time `at` (UTC ms).

        Raises `VerificationError` `SERVER_ANSWER_INVALID` for an entry that does not follow on those known here: then
        somebody else writes into the same log.
        """
        if attached is not None:
            raise TypeError("what is attached is handed in by a route of its own")
        body = open_envelope(envelope).statement.body
        filing = self.objecting.get(body.sealed) if isinstance(body, ObjectionReceived) else None
        answer = self.client.submit(envelope, at) if filing is None else filing(envelope, at)
        if isinstance(answer, Declined):
            return answer.refusal
        act = decode_entry(answer.entry)
        if act.index != self.state.size:
            raise VerificationError("SERVER_ANSWER_INVALID", where="index")
        self.state.apply(act)
        return act

    def seen(self) -> Seen | None:
        """Return the newest checkpoint as the service publishes it, verified; None for an empty log."""
        note = self.client.checkpoint()
        return None if note is None else seen_of(note)


class ServedWorld(World):
    """A play whose every statement but the charter is signed from the service's own form."""

    def __init__(self, client: Client, seed: str = "rehearsal", now: int = 0, offset_minutes: int = 480) -> None:
        """Play on the empty log of this service."""
        super().__init__(ServedLedger(client), seed, now, offset_minutes)
        self.client = client

    def envelope(self, alias: str, body: Any, **header: Any) -> bytes:
        """Return what `alias` signs over the form that the service gives for this body."""
        if self.state.sealed is None:
            return super().envelope(alias, body, **header)
        actor = self.actor(alias)
        one_time = actor.person.startswith(SEALED_PREFIX)
        form = self._form(body, actor.key)
        return self.client.sign(form, body, actor.key, header.get("claimed_at"), one_time)

    def _form(self, body: Any, key: Any) -> dict[str, Any]:
        match body:
            case BallotCast():
                return self.client.ballot_form(body.round, key)
            case ScoreGiven():
                return self.client.score_form(body.stage, key, body.group)
            case ActCountersigned():
                return self.client.countersign_form(body.index, key)
            case DeliberationVoted():
                return self.client.vote_form(body.matter, key)
            case _:
                return self.client.form_for(body, key)


class ServedSeals:
    """Seals to the keys that the service announces, and uploads: without a key by a permit, or as somebody of a desk.

    The keys are believed only as a founding key of discipline, which the charter names, has signed them.
    """

    def __init__(self, url: str, keys: Sequence[VerifierKey]) -> None:
        """Upload to the service at `url`, whose log has these keys."""
        self._url, self._keys = url, tuple(keys)

    def __call__(self, world: World, objection: str, number: int, text: str, desk: str | None) -> str:
        """Seal, upload and return the digest."""
        ledger = world.ledger
        if not isinstance(ledger, ServedLedger):
            raise TypeError("only a play through a service uploads to it")
        with Objecting(self._url, self._keys) as client:
            to = read(client.objection_form().get("sealing")).to
            sealed = seal(to, text.encode(), SealContext(world.state.charter.id, objection))
            if desk is not None:
                client.sign_in(world.actor(desk).key)
                return client.upload(sealed, SEALED, headers=client.bearer())
            permit = client.permit()
            digest = client.upload(sealed, SEALED, headers={"upload-permit": permit})
        ledger.objecting[digest] = partial(self._file, objection, permit)
        return digest

    def _file(self, objection: str, permit: str, envelope: bytes, at: int) -> Receipted | Declined:
        """Hand in an objection over a connection of its own, which says nothing of who objects."""
        with Objecting(self._url, self._keys) as client:
            filed = client.hand_in(envelope, objection, permit, at)
        return filed if isinstance(filed, Declined) else filed.receipt


def results_hash(client: Client, named: int) -> str:
    """Return the hash of every certified result and of the naming, entry `named`, as the service tells them."""
    told = client.pages("/v1/rankings", "results", limit=PAGE)
    certified = {one["subject"]: one["rows_root"] for one in told if one["standing"] == "certified"}
    entry = client.read(f"/v1/entries/{named}")["entry"]
    return canonical.digest({"certified": certified, "named": entry["body"]["candidates"]})
