"""Go's transparency-log library reads what we write, judges as we judge, and makes what our verifiers accept."""

import base64
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ledger import merkle, receipt, tiles
from ledger.checkpoint import Checkpoint, Note, Signature, VerifierKey, open_checkpoint, parse_note, sign_checkpoint
from ledger.errors import LedgerError
from ledger.pin import PinFile
from ledger.proving import consistency_with_roots, inclusion, receipt_at
from ledger.signing import SigningKey
from projections.disclosure import Audience
from projections.publishing import publish
from tests.interop.conftest import Ask
from tests.log.test_merkle import TREE, broken_paths, mth
from tests.plays import history_at
from tests.sequenced import Site
from tests.simulator import LOG_KEY, LOG_VKEY, ORIGIN

pytestmark = pytest.mark.system

SEED = bytes(range(32))
NAME = "ledger.example/test"
KEY = VerifierKey(NAME, SigningKey.from_seed(SEED).public)
SKEY = f"PRIVATE+KEY+{NAME}+{KEY.key_id.hex()}+{base64.b64encode(bytes([1]) + SEED).decode()}"


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def opening(note: bytes, key: VerifierKey = LOG_VKEY) -> dict[str, Any]:
    return {"do": "open", "vkey": key.encode(), "note": note.decode()}


def included(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> dict[str, Any]:
    proof = {"index": index, "size": size, "leaf": b64(leaf), "path": [b64(value) for value in path]}
    return {"do": "inclusion", "root": b64(root)} | proof


def consistent(old: int, size: int, old_root: bytes, root: bytes, path: Sequence[bytes]) -> dict[str, Any]:
    proof = {"old": old, "size": size, "old_root": b64(old_root), "path": [b64(value) for value in path]}
    return {"do": "consistency", "root": b64(root)} | proof


def whole(path: Sequence[bytes]) -> bool:
    """Whether a path can be written down for Go, which reads hashes of 32 bytes only."""
    return all(len(value) == merkle.HASH_BYTES for value in path)


def flipped(data: bytes) -> Iterator[bytes]:
    """The same with one bit changed, at each place in turn."""
    for place in range(len(data)):
        yield data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def test_go_opens_our_checkpoints(go: Ask) -> None:
    heads = [Checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT), Checkpoint(ORIGIN, 2**63 - 1, SEED), Checkpoint(ORIGIN, 7, SEED)]
    notes = [sign_checkpoint(head, LOG_KEY) for head in heads]
    parsed = parse_note(notes[2])
    cosigned = Note(parsed.text, (*parsed.signatures, Signature("witness.example/w1", b"abcd", bytes(72)))).encode()
    answers = go([opening(note) for note in (*notes, cosigned)])
    want = [{"origin": one.origin, "size": one.size, "root": b64(one.root)} for one in (*heads, heads[2])]
    assert answers == want


def test_go_refuses_whatever_we_refuse_of_a_checkpoint(go: Ask) -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 7, SEED), LOG_KEY)
    readable = [data for data in flipped(note) if _is_text(data)]
    assert len(readable) > 100
    assert go([opening(data) for data in readable]) == [None] * len(readable)
    for data in readable:
        with pytest.raises(LedgerError):
            open_checkpoint(data, [LOG_VKEY])
    other = VerifierKey(ORIGIN, SigningKey.from_seed(bytes(32)).public)
    assert go([opening(note, other)]) == [None]


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_go_checks_the_proofs_of_every_pair_of_sizes_and_judges_spoiled_ones_as_we_do(go: Ask) -> None:
    commands: list[dict[str, Any]] = []
    verdicts: list[bool] = []
    for size in (1, 2, 3, 7, 8, 33, 70):
        root = mth(TREE.leaves[:size])
        for index in range(size):
            leaf, path = TREE.leaves[index], merkle.inclusion_proof(index, size, TREE.get_node)
            for one in (path, *filter(whole, broken_paths(path))):
                commands.append(included(index, size, leaf, one, root))
                verdicts.append(merkle.verify_inclusion(index, size, leaf, one, root))
            old = index + 1
            old_root, path = mth(TREE.leaves[:old]), merkle.consistency_proof(old, size, TREE.get_node)
            for one in (path, *filter(whole, broken_paths(path))):
                commands.append(consistent(old, size, old_root, root, one))
                verdicts.append(merkle.verify_consistency(old, size, old_root, root, one))
    assert [answer is True for answer in go(commands)] == verdicts
    assert sum(verdicts) == 2 * (1 + 2 + 3 + 7 + 8 + 33 + 70)
    assert len(verdicts) > 2000


@pytest.fixture
def released(site: Site) -> Site:
    """A play of 535 entries in the database, all of it released."""
    history = history_at("grouped")
    site.preload(history)
    pin = PinFile(site.pin_path)
    for size in (5, 300, 535):
        pin.advance(size, mth([merkle.leaf_hash(entry) for entry in history.entries[:size]]))
    pin.close()
    return site


def test_go_checks_receipts_and_proofs_from_the_database(go: Ask, released: Site) -> None:
    entries = history_at("grouped").entries
    with released.store() as store:
        for index, size in ((0, 1), (0, 535), (534, 535), (255, 256), (256, 500), (17, 300)):
            made = receipt.parse(receipt_at(store, index, size).encode())
            (head,) = go([opening(made.checkpoint_note)])
            root, leaf = base64.b64decode(head["root"]), merkle.leaf_hash(entries[index])
            assert head["size"] == size
            assert go([included(index, size, leaf, made.proof, root)]) == [True]
            assert go([included(index, size, leaf, inclusion(store, index, size), root)]) == [True]
            shifted = [included(other, size, leaf, made.proof, root) for other in (index - 1, index + 1)]
            assert go(shifted) == [None, None]
        for old, new in ((1, 535), (256, 535), (300, 512), (534, 535), (535, 535), (255, 256)):
            proof = consistency_with_roots(store, old, new)
            assert go([consistent(old, new, proof.old_root, proof.new_root, proof.path)]) == [True]


@pytest.mark.parametrize("audience", list(Audience))
def test_go_recomputes_the_published_folder(go: Ask, released: Site, tmp_path: Path, audience: Audience) -> None:
    folder = tmp_path / "published"
    with released.store() as store:
        publish(store, folder, ORIGIN, audience)
    ask = {"do": "folder", "folder": str(folder), "vkey": LOG_VKEY.encode()}
    (found,) = go([ask])
    head = open_checkpoint((folder / "checkpoint").read_bytes(), [LOG_VKEY])
    assert (found["size"], found["root"]) == (535, b64(head.root))
    names = [path for path in folder.rglob("*") if path.is_file() and ".publishing" not in path.parts]
    single = [path for path in names if path.is_relative_to(folder / "entry")]
    assert found["entries"] == len(single) > 10
    assert found["tiles"] == len([path for path in (folder / "tile").rglob("*") if path.is_file()]) - (
        3 if audience is Audience.AUDITOR else 0
    )
    for path in (*names[:40], *(path for path in names if "tile" in path.parts)):
        data = path.read_bytes()
        for wrong in (bytes([data[0] ^ 1]) + data[1:], data[:-1] + bytes([data[-1] ^ 2]), data[:-1], data + b"\x00"):
            path.write_bytes(wrong)
            assert go([ask]) == [None], path
        path.write_bytes(data)
    assert go([ask]) == [found]
    shutil.rmtree(folder / "tile" / "0")
    assert go([ask]) == [None]


class Grown:
    """A tree that Go grew: its tiles, a signed checkpoint of the whole, and every proof up to 40 leaves."""

    PROVED = 40

    def __init__(self, go: Ask, size: int) -> None:
        (made,) = go([{"do": "grow", "size": size, "old": self.PROVED, "skey": SKEY}])
        self.size = size
        decode = base64.b64decode
        self.note: bytes = made["note"].encode()
        self.roots = [decode(root) for root in made["roots"]]
        self.tiles = {path: decode(data) for path, data in made["tiles"].items()}
        self.inclusion = [(one["first"], one["size"], tuple(map(decode, one["path"]))) for one in made["inclusion"]]
        self.consistency = [(one["first"], one["size"], tuple(map(decode, one["path"]))) for one in made["consistency"]]
        self.leaves = [merkle.leaf_hash(b"entry-%d" % index) for index in range(size)]


@pytest.fixture(scope="module")
def grown(go: Ask) -> Grown:
    return Grown(go, 600)


def test_we_accept_what_go_grew(grown: Grown) -> None:
    frontier = merkle.Frontier()
    roots = [frontier.root()]
    nodes: dict[merkle.Address, bytes] = {}
    for leaf in grown.leaves:
        nodes |= {(level, index): value for level, index, value in frontier.append(leaf)}
        roots.append(frontier.root())
    assert roots == grown.roots
    head = open_checkpoint(grown.note, [KEY])
    assert (head.origin, head.size, head.root) == (NAME, grown.size, roots[-1])
    assert grown.note == sign_checkpoint(head, SigningKey.from_seed(SEED))
    ours = [one for one in tiles.tiles_of(grown.size) if one.level != tiles.ENTRIES]
    made = {one.path: tiles.tile_bytes(one, lambda level, index: nodes[level, index]) for one in ours}
    assert made == grown.tiles
    get_node = tiles.nodes_in_tiles(grown.size, lambda address: grown.tiles[address.path])
    assert merkle.root_at(grown.size, get_node) == head.root


def test_we_accept_every_proof_of_go_and_none_of_its_variants(grown: Grown) -> None:
    count = grown.PROVED * (grown.PROVED + 1) // 2
    assert len(grown.inclusion) == len(grown.consistency) == count
    for index, size, path in grown.inclusion:
        leaf, root = grown.leaves[index], grown.roots[size]
        assert merkle.verify_inclusion(index, size, leaf, path, root)
        assert not any(merkle.verify_inclusion(index, size, leaf, wrong, root) for wrong in broken_paths(path))
        shifted = [other for other in range(-1, size + 1) if other != index]
        assert not any(merkle.verify_inclusion(other, size, leaf, path, root) for other in shifted)
        for other in (size - 1, size + 1):
            # Another size may call for the same path; then the root is what differs.
            assert not merkle.verify_inclusion(index, other, leaf, path, grown.roots[other])
    for old, size, path in grown.consistency:
        before, after = grown.roots[old], grown.roots[size]
        assert merkle.verify_consistency(old, size, before, after, path)
        assert not any(merkle.verify_consistency(old, size, before, after, wrong) for wrong in broken_paths(path))
        shifted = [other for other in range(-1, size + 1) if other != old]
        assert not any(merkle.verify_consistency(other, size, before, after, path) for other in shifted)


def test_we_refuse_every_variant_of_a_note_of_go(grown: Grown) -> None:
    note = grown.note
    variants = [*flipped(note), *(note[:cut] for cut in range(len(note))), note + b"\n", note + b" ", b"\n" + note]
    lines = note.splitlines(keepends=True)
    variants += [b"".join(lines[:1] + lines), b"".join((*lines, lines[-1])), note.replace(b"\n", b"\r\n")]
    for variant in variants:
        with pytest.raises(LedgerError):
            open_checkpoint(variant, [KEY])


def test_we_verify_a_proof_file_of_go_and_none_of_its_variants(go: Ask) -> None:
    grown = Grown(go, Grown.PROVED)
    for index, size, path in grown.inclusion:
        if size != grown.size:
            continue
        entry = b"entry-%d" % index
        data = proof_file(index, path, grown.note)
        assert receipt.verify(receipt.parse(data), entry, [KEY]).size == grown.size
        assert receipt.parse(data).encode() == data
        variants = [proof_file(index, wrong, grown.note) for wrong in broken_paths(path)]
        variants += [proof_file(other, path, grown.note) for other in range(size + 2) if other != index]
        variants += [data[:cut] for cut in range(0, len(data), 7)] + [data + b"\n", b"\n" + data]
        for variant in variants:
            with pytest.raises(LedgerError):
                receipt.verify(receipt.parse(variant), entry, [KEY])
        with pytest.raises(LedgerError):
            receipt.verify(receipt.parse(data), entry + b"\n", [KEY])


def proof_file(index: int, path: Sequence[bytes], note: bytes) -> bytes:
    """A tlog-proof, put together as its specification says."""
    lines = ["c2sp.org/tlog-proof@v1", f"index {index}", *map(b64, path), "", ""]
    return "\n".join(lines).encode() + note
