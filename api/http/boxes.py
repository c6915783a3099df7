"""The boxes of the public vote, one for each channel and poll, in the process of the sequencer.

A channel has a box here if the key of its operator lies in the ledger's folder as `channel-keys/<channel>.key`: this
service then signs its batches (`ledger.poll_box` says what that means for trust). Any other channel hands in batches
that its own system signed. A box begins with its first ballot and ends with the service; what was handed in until
then is answered.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from api.http.ballot_door import Ballot, not_served
from api.http.logs import tell
from ledger.decisions.polls import CLAUSE
from ledger.errors import StoreError, VerificationError
from ledger.keyfile import read_key
from ledger.logstore import first_receipt
from ledger.opening import Home
from ledger.poll_box import CastAnswer, PollBox
from ledger.procedure.reasons import Refusal, refuse
from ledger.sequencer import Sequencer
from ledger.signing import SigningKey, key_id
from ledger.store.store import Store

PASSPHRASE = "BALLOT_LEDGER_CHANNEL_PASSPHRASE"
PASSPHRASE_FILE = f"{PASSPHRASE}_FILE"
MOST_BOXES = 256
_MOST_PASSPHRASE = 4096


def channel_keys(home: Home) -> Path:
    """Return the folder of the keys with which this service signs for channels."""
    return home.folder / "channel-keys"


def read_channel_keys(home: Home) -> dict[str, SigningKey]:
    """Return the keys that lie in the folder, by channel; all files with a passphrase have the same one.

    It is the value of `BALLOT_LEDGER_CHANNEL_PASSPHRASE`, or the first line of the file that
    `BALLOT_LEDGER_CHANNEL_PASSPHRASE_FILE` names. Raises `StoreError` as `ledger.keyfile.read_key`: a service that
    should sign for a channel and cannot does not begin.
    """
    paths = sorted(channel_keys(home).glob("*.key"))
    passphrase = _passphrase() if paths else None
    return {path.stem: _read(path, passphrase) for path in paths}


def _passphrase() -> bytes | None:
    named = os.environ.get(PASSPHRASE_FILE)
    if not named:
        return os.environ.get(PASSPHRASE, "").encode() or None
    try:
        with Path(named).open("rb") as file:
            return file.read(_MOST_PASSPHRASE).partition(b"\n")[0] or None
    except OSError as error:
        raise StoreError("KEY_FILE_UNUSABLE", path=named, reason=error.strerror or "-") from None


def _read(path: Path, passphrase: bytes | None) -> SigningKey:
    try:
        return read_key(path, None)
    except StoreError as error:
        if error.code != "KEY_PASSPHRASE" or passphrase is None:
            raise
    return read_key(path, passphrase)


class Boxes:
    """The registry of boxes; to be used from one event loop at a time."""

    def __init__(self, store: Store, sequencer: Sequencer, keys: Mapping[str, SigningKey]) -> None:
        """Sign for the channels of `keys`; nothing begins before `open`."""
        self._store, self._sequencer = store, sequencer
        self._keys = {channel: (key, key_id(key.public)) for channel, key in keys.items()}
        self._boxes: dict[tuple[str, str], PollBox] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        """Begin: answers are given on this event loop."""
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        """Answer what was handed in, then end every box."""
        boxes, self._boxes = list(self._boxes.values()), {}
        for box in boxes:
            await asyncio.to_thread(box.stop)
        self._loop = None

    def cast(self, ballot: Ballot) -> "asyncio.Future[CastAnswer]":
        """Hand in a ballot; see `BallotDoor.cast`."""
        answer: asyncio.Future[CastAnswer] = asyncio.get_running_loop().create_future()
        try:
            box = self._boxes.get((ballot.poll, ballot.channel)) or self._begin(ballot.poll, ballot.channel)
            if isinstance(box, Refusal):
                answer.set_result(box)
            else:
                self._may_sign(ballot.channel)
                box.hand_in(ballot.tag, ballot.candidates, ballot.origin, answer, ballot.at)
        except (StoreError, VerificationError) as error:
            answer.set_exception(error)
        return answer

    def _begin(self, poll_id: str, channel: str) -> PollBox | Refusal:
        """Begin the box of a channel that takes part in a poll; refuse as the rules would refuse its first batch."""
        polls = self._sequencer.state.polls
        poll = polls.by_id.get(poll_id)
        if poll is None:
            return refuse("UNKNOWN_POLL", CLAUSE, poll=poll_id)
        if channel not in poll.channels:
            return refuse("UNKNOWN_CHANNEL", CLAUSE, channel=channel)
        if channel not in polls.ballots_of(poll_id).credentials:
            return refuse("CREDENTIALS_NOT_COMMITTED", CLAUSE, channel=channel)
        key = self._may_sign(channel)
        if self._loop is None or len(self._boxes) >= MOST_BOXES:
            raise StoreError("SEQUENCER_STOPPED" if self._loop is None else "POLL_BOX_FULL")
        store = self._store
        box = PollBox(
            self._sequencer,
            store,
            lambda index: first_receipt(store, index),
            poll_id,
            channel,
            key,
            deliver=self._loop.call_soon_threadsafe,
        )
        box.start()
        self._boxes[poll_id, channel] = box
        tell("poll box begins", channel=channel)
        return box

    def _may_sign(self, channel: str) -> SigningKey:
        """Return the key for a channel as long as its operator holds it; `VerificationError` `CHANNEL_NOT_SERVED`."""
        known, (key, name) = self._sequencer.state.polls.channels.get(channel), self._keys.get(channel, (None, ""))
        enrolled = self._sequencer.state.roll.keys.get(name)
        if key is None or known is None or enrolled is None or enrolled.person != known.operator:
            raise not_served(channel)
        if enrolled.revoked is not None or enrolled.blocked is not None:
            raise not_served(channel)
        return key
