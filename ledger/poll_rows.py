"""The rows of a public vote: what of a ballot is shown, what is sealed, and the bytes of a batch of them.

A ballot becomes a *row*, {serial, credential tag, commitment}, and a sealed *vote*: the choice, the minute and the
origin tag under a random salt, to which the row commits. A batch is the block of both, rows ascending by tag, so that
neither the order of arrival nor a tag twice can stand in it. The root over its rows is in the signed statement. All
numbers are big-endian, all fields of fixed length: a row, a vote and a block have one spelling each.

Whoever knows a tag finds its row; the choice follows only from the salt, which no voter and no receipt holds.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice, pairwise, starmap
from operator import ge
from struct import Struct
from typing import NamedTuple

from ledger import canonical
from ledger.errors import MalformedError
from ledger.merkle import HASH_BYTES, leaf_hash, tree_root
from ledger.procedure.programme import Programme

CREDENTIAL_LABEL = b"ballot-ledger credential v1"
CREDENTIAL_BYTES = SALT_BYTES = ORIGIN_BYTES = 16
UNKNOWN_ORIGIN = bytes(ORIGIN_BYTES)
"""The origin tag of a ballot whose origin was not kept."""
MOST_ROWS = 16_384
"""Of one batch: about two megabytes, so that a batch is read, checked and held in memory at once."""
MOST_CANDIDATES = 128
MINUTE_MS = 60_000
DAY_MINUTES = 1440

_MAGIC = b"ballot-ledger rows v1\n"
_SHOWN = b"ballot-ledger shown rows v1\n"
_HEAD = Struct(">22sHI16s")
_SERIAL = Struct(">Q")
_MINUTE = Struct(">I")


class Row(NamedTuple):
    """What of a ballot is shown: its place in the batch from 0, the tag of its credential, the commitment."""

    serial: int
    tag: bytes
    commitment: bytes

    def encode(self) -> bytes:
        """Return the 72 bytes of which the row's leaf is the hash."""
        return _SERIAL.pack(self.serial) + self.tag + self.commitment


class Vote(NamedTuple):
    """What of a ballot is sealed: the choice as bits in the order of the poll's list, salt, minute and origin tag.

    `minute` counts from 1970-01-01T00:00Z; `origin` is a keyed hash of where the ballot came from, never an address.
    """

    choice: bytes
    salt: bytes
    minute: int
    origin: bytes = UNKNOWN_ORIGIN

    def encode(self) -> bytes:
        """Return the bytes that the row's commitment is the SHA-256 of."""
        return self.salt + self.choice + _MINUTE.pack(self.minute) + self.origin

    @property
    def commitment(self) -> bytes:
        """The commitment of the row."""
        return sha256(self.encode()).digest()


@dataclass(frozen=True, slots=True)
class Hashed:
    """What hashing every row of a block found, whatever the poll: the root of the rows, how often each choice was made.

    `tags` are those of the rows in order, `minutes` the first and the last; `fault` says which rows do not hold.
    """

    root: bytes
    tags: tuple[bytes, ...]
    choices: Mapping[bytes, int]
    minutes: tuple[int, int]
    fault: str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What a block turns out to say: the root of its rows, the votes by place in the list, whether all rows hold."""

    root: bytes
    subtotals: tuple[int, ...]
    fault: str | None


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of a batch with their votes, as stored: ascending by tag; `salt` seals the subtotals."""

    width: int
    salt: bytes
    count: int
    body: bytes

    def encode(self) -> bytes:
        """Return the bytes that are attached to the statement of the batch."""
        return _HEAD.pack(_MAGIC, self.width, self.count, self.salt) + self.body

    def shown(self) -> bytes:
        """Return the rows without the votes, as everybody may read them."""
        return _SHOWN + b"".join([head for head, _ in self.pairs()])

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield tag with commitment (64 bytes), and the sealed vote, of every row."""
        return Struct(f">64s{_opening(self.width)}s").iter_unpack(self.body)

    def rows(self) -> Iterator[Row]:
        """Yield the rows."""
        for serial, (head, _) in enumerate(self.pairs()):
            yield Row(serial, head[:HASH_BYTES], head[HASH_BYTES:])

    def votes(self) -> Iterator[Vote]:
        """Yield the sealed votes, in the order of the rows."""
        stop = SALT_BYTES + self.width
        for _, opening in self.pairs():
            (minute,) = _MINUTE.unpack_from(opening, stop)
            yield Vote(opening[SALT_BYTES:stop], opening[:SALT_BYTES], minute, opening[stop + _MINUTE.size :])

    def tags(self) -> list[bytes]:
        """Return the tags."""
        return [head[:HASH_BYTES] for head, _ in self.pairs()]

    def leaves(self) -> list[bytes]:
        """Return the leaf hashes of the rows."""
        return _leaves(head for head, _ in self.pairs())


def parse_block(data: bytes) -> Block:
    """Take a block apart; nothing is verified yet. Raises `MalformedError` `ROWS_MALFORMED`."""
    if len(data) < _HEAD.size:
        raise MalformedError("ROWS_MALFORMED", where="head")
    magic, width, count, salt = _HEAD.unpack_from(data)
    if magic != _MAGIC or not 0 < width <= MOST_CANDIDATES // 8 or not 0 < count <= MOST_ROWS:
        raise MalformedError("ROWS_MALFORMED", where="head")
    if len(data) != _HEAD.size + count * (2 * HASH_BYTES + _opening(width)):
        raise MalformedError("ROWS_MALFORMED", where="length")
    return Block(width, salt, count, data[_HEAD.size :])


def shown_heads(data: bytes) -> list[bytes]:
    """Return tag with commitment of every row, from rows with or without their votes.

    Raises `MalformedError` `ROWS_MALFORMED`.
    """
    if not data.startswith(_SHOWN):
        return [head for head, _ in parse_block(data).pairs()]
    size, body = 2 * HASH_BYTES, data[len(_SHOWN) :]
    if len(body) % size or not 0 < len(body) <= size * MOST_ROWS:
        raise MalformedError("ROWS_MALFORMED", where="length")
    return [body[start : start + size] for start in range(0, len(body), size)]


def hash_heads(heads: Sequence[bytes]) -> Hashed:
    """Find the root of rows whose votes are not to be read, and whether they stand in order."""
    tags = tuple(head[:HASH_BYTES] for head in heads)
    fault = "order" if any(map(ge, tags, islice(tags, 1, None))) else None
    return Hashed(tree_root(_leaves(heads)), tags, {}, (0, 0), fault)


def make_block(votes: Mapping[bytes, Vote], salt: bytes) -> Block:
    """Return the block of some votes by tag; raises `MalformedError` `ROWS_MALFORMED` for none or too many."""
    if not 0 < len(votes) <= MOST_ROWS:
        raise MalformedError("ROWS_MALFORMED", where="count")
    width = len(next(iter(votes.values())).choice)
    parts: list[bytes] = []
    for tag, vote in sorted(votes.items()):
        opening = vote.encode()
        parts += (tag, sha256(opening).digest(), opening)
    return Block(width, salt, len(votes), b"".join(parts))


def check_block(block: Block, candidates: int, most: int, minutes: tuple[int, int]) -> Checked:
    """Hold every row of a block against its vote, and every vote against the list; count what they give.

    `most` is how many names a ballot may bear, `minutes` the first and last minute that may stand in a row.
    """
    return check_hashed(block, hash_block(block), candidates, most, minutes)


def hash_block(block: Block) -> Hashed:
    """Hold every row of a block against its vote: nearly all the work, and nothing of the poll is needed for it."""
    pairs = list(block.pairs())
    heads = [head for head, _ in pairs]
    digest = sha256
    tags = [head[:HASH_BYTES] for head in heads]
    fault = "order" if any(map(ge, tags, islice(tags, 1, None))) else None
    if any(digest(opening).digest() != head[HASH_BYTES:] for head, opening in pairs):
        fault = "commitment"
    stop = SALT_BYTES + block.width
    choices = Counter(opening[SALT_BYTES:stop] for _, opening in pairs)
    stamps = [opening[stop : stop + _MINUTE.size] for _, opening in pairs]
    minutes = int.from_bytes(min(stamps), "big"), int.from_bytes(max(stamps), "big")
    return Hashed(tree_root(_leaves(heads)), tuple(tags), choices, minutes, fault)


def check_hashed(block: Block, hashed: Hashed, candidates: int, most: int, minutes: tuple[int, int]) -> Checked:
    """Do what is left of `check_block` once the rows are hashed: hold choices and minutes against the poll."""
    fault = hashed.fault
    if block.width != width_of(candidates) or any(not _sound(choice, candidates, most) for choice in hashed.choices):
        fault = "choice"
    if hashed.minutes[0] < minutes[0] or hashed.minutes[1] > minutes[1]:
        fault = "minute"
    return Checked(hashed.root, subtotals_of(hashed.choices, candidates), fault)


def _leaves(heads: Iterable[bytes]) -> list[bytes]:
    """Return `leaf_hash(row.encode())` of each row, without making a row of it."""
    pack, digest = _SERIAL.pack, sha256
    return [digest(b"\x00" + pack(serial) + head).digest() for serial, head in enumerate(heads)]


def _sound(choice: bytes, candidates: int, most: int) -> bool:
    bits = int.from_bytes(choice, "big")
    return bits >> candidates == 0 and 0 < bits.bit_count() <= most


def subtotals_of(choices: Mapping[bytes, int], candidates: int) -> tuple[int, ...]:
    """Return the votes of each place in the list that some choices give, each with how often it was made."""
    found = [0] * candidates
    for choice, times in choices.items():
        for place in places_of(choice):
            if place < candidates:
                found[place] += times
    return tuple(found)


def width_of(candidates: int) -> int:
    """Return how many bytes a choice among so many candidates has."""
    return (candidates + 7) // 8


def choice_of(places: Sequence[int], candidates: int) -> bytes:
    """Return the bytes of a choice of these places in the list: bit n for place n, counted from the low end."""
    return sum(1 << place for place in set(places)).to_bytes(width_of(candidates), "big")


def places_of(choice: bytes) -> tuple[int, ...]:
    """Return the places in the list that a choice names, ascending."""
    bits = int.from_bytes(choice, "big")
    return tuple(place for place in range(bits.bit_length()) if bits >> place & 1)


def credential_tag(poll: str, credential: bytes) -> bytes:
    """Return the tag of a credential in a poll (32 bytes); raises `MalformedError` `CREDENTIAL_MALFORMED`."""
    if len(credential) != CREDENTIAL_BYTES:
        raise MalformedError("CREDENTIAL_MALFORMED", bytes=CREDENTIAL_BYTES)
    return sha256(CREDENTIAL_LABEL + poll.encode() + credential).digest()


def credentials_root(tags: Sequence[bytes]) -> bytes:
    """Return the root that a channel commits to: over its tags, ascending, each once."""
    return tree_root(map(leaf_hash, sorted(set(tags))))


def seal_subtotals(salt: bytes, subtotals: Sequence[int]) -> str:
    """Return the commitment to a batch's subtotals, in hexadecimal."""
    return sha256(salt + canonical.encode(list(subtotals))).hexdigest()


def spent_key(tag: bytes, minute: int, offset_minutes: int, *, only_once: bool) -> bytes:
    """Return what a ballot uses up: its credential, or under `once a day` its credential on that civil day."""
    return tag if only_once else tag + _MINUTE.pack((minute + offset_minutes) // DAY_MINUTES)


def once(programme: Programme) -> bool:
    """Reading `public_ballot`: whether a credential votes once, and not once a day."""
    return programme.reading("public_ballot") != "up_to_seats_once_a_day"


def encode_openings(openings: Sequence[tuple[bytes, Sequence[int]]]) -> bytes:
    """Return the bytes that open the subtotals of all batches of a channel, in order: each salt with its subtotals."""
    return canonical.encode([[salt.hex(), list(subtotals)] for salt, subtotals in openings])


def parse_openings(data: bytes) -> list[tuple[bytes, tuple[int, ...]]]:
    """Read the openings of a channel; raises `MalformedError` `NOT_CANONICAL` or `ROWS_MALFORMED`."""
    value = canonical.decode(data)
    try:
        openings = [(bytes.fromhex(salt), tuple(int(one) for one in subtotals)) for salt, subtotals in value]
    except (TypeError, ValueError):
        raise MalformedError("ROWS_MALFORMED", where="openings") from None
    if encode_openings(openings) != data:
        raise MalformedError("ROWS_MALFORMED", where="openings")
    return openings


class Place(NamedTuple):
    """Where a row stands: the number of its batch in the channel, and its serial."""

    sequence: int
    serial: int


_PLACE = Struct(">IH")


def encode_places(places: Sequence[Place]) -> bytes:
    """Return the bytes of a list of rows: ascending, each once."""
    return b"".join(starmap(_PLACE.pack, sorted(set(places))))


def parse_places(data: bytes) -> list[Place]:
    """Read a list of rows; raises `MalformedError` `ROWS_MALFORMED` unless it is ascending, each once."""
    if len(data) % _PLACE.size:
        raise MalformedError("ROWS_MALFORMED", where="places")
    places = [Place(*one) for one in _PLACE.iter_unpack(data)]
    if any(after <= before for before, after in pairwise(places)):
        raise MalformedError("ROWS_MALFORMED", where="places")
    return places


def _opening(width: int) -> int:
    return SALT_BYTES + width + _MINUTE.size + ORIGIN_BYTES
