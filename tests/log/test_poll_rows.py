"""The bytes of public ballots: one spelling, nothing but what was signed, no choice to be seen."""

from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from ledger import canonical, poll_credentials
from ledger.errors import MalformedError
from ledger.merkle import leaf_hash, tree_root, verify_inclusion
from ledger.poll_credentials import listed, tags_of_file
from ledger.poll_receipt import Paths, parse
from ledger.poll_rows import (
    MOST_ROWS,
    Block,
    Place,
    Vote,
    check_block,
    choice_of,
    credential_tag,
    credentials_root,
    encode_openings,
    encode_places,
    hash_heads,
    make_block,
    parse_block,
    parse_openings,
    parse_places,
    places_of,
    shown_heads,
    spent_key,
)

MINUTES = (1_000, 2_000)


def block(count: int = 9, candidates: int = 14) -> Block:
    draw = Random(count)
    votes = {
        sha256(b"%d" % number).digest(): Vote(
            choice_of(draw.sample(range(candidates), 3), candidates), draw.randbytes(16), 1_500
        )
        for number in range(count)
    }
    return make_block(votes, bytes(16))


def test_a_block_comes_back_and_its_parts_agree() -> None:
    one = block()
    assert parse_block(one.encode()) == one
    rows, votes = list(one.rows()), list(one.votes())
    assert [row.commitment for row in rows] == [vote.commitment for vote in votes]
    assert [row.tag for row in rows] == sorted(one.tags())
    assert [leaf_hash(row.encode()) for row in rows] == one.leaves()
    checked = check_block(one, 14, 3, MINUTES)
    assert (checked.root, checked.fault) == (tree_root(one.leaves()), None)
    assert sum(checked.subtotals) == 27
    assert Paths(one).root == checked.root


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 8, 13, 64, 100])
def test_every_row_of_a_batch_has_its_path(count: int) -> None:
    one = block(count)
    paths = Paths(one)
    assert paths.root == tree_root(one.leaves())
    for row, leaf in zip(one.rows(), one.leaves(), strict=True):
        given = paths.receipt(row.tag, b"entry", b"proof")
        assert given is not None
        assert verify_inclusion(row.serial, count, leaf, given.path, paths.root)
        assert canonical.encode(canonical.decode(given.encode())) == given.encode()
        assert parse(given.encode()) == given
    assert paths.receipt(bytes(32), b"entry", b"proof") is None


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"", "head"),
        (b"x" * 100, "head"),
        (block().encode()[:-1], "length"),
        (block().encode() + b"\x00", "length"),
        (block().encode()[:22] + bytes(2) + block().encode()[24:], "head"),
        (block().encode()[:22] + b"\xff\xff" + block().encode()[24:], "head"),
        (block().encode()[:24] + bytes(4) + block().encode()[28:], "head"),
    ],
)
def test_what_is_no_block(data: bytes, where: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_block(data)
    assert (caught.value.code, caught.value.facts) == ("ROWS_MALFORMED", {"where": where})


@pytest.mark.parametrize("count", [0, MOST_ROWS + 1])
def test_a_block_holds_at_least_one_ballot_and_not_too_many(count: int) -> None:
    vote = Vote(b"\x01", bytes(16), 1)
    with pytest.raises(MalformedError, match="ROWS_MALFORMED"):
        make_block({number.to_bytes(32, "big"): vote for number in range(count)}, bytes(16))


def spoilt(one: Block, place: int, value: int) -> Block:
    body = bytearray(one.body)
    body[place] = value
    return Block(one.width, one.salt, one.count, bytes(body))


def test_every_fault_of_a_row_is_named() -> None:
    one = block()
    size = len(one.body) // one.count
    assert check_block(spoilt(one, 0, 255), 14, 3, MINUTES).fault == "order"
    assert check_block(spoilt(one, 40, one.body[40] ^ 1), 14, 3, MINUTES).fault == "commitment"
    assert check_block(spoilt(one, size + 66, one.body[size + 66] ^ 1), 14, 3, MINUTES).fault == "commitment"
    assert check_block(one, 14, 2, MINUTES).fault == "choice"
    assert check_block(one, 17, 3, MINUTES).fault == "choice"
    assert check_block(one, 14, 3, (1_501, 2_000)).fault == "minute"
    assert check_block(one, 14, 3, (1_000, 1_499)).fault == "minute"
    doubled = Block(one.width, one.salt, 2, one.body[:size] * 2)
    assert check_block(doubled, 14, 3, MINUTES).fault == "order"
    empty = make_block({bytes(32): Vote(bytes(2), bytes(16), 1_500)}, bytes(16))
    assert check_block(empty, 14, 3, MINUTES).fault == "choice"


def test_a_credential_has_a_tag_in_each_poll_and_is_spent_once_or_once_a_day() -> None:
    one = credential_tag("poll", bytes(16))
    assert one == sha256(b"ballot-ledger credential v1poll" + bytes(16)).digest()
    assert one != credential_tag("pool", bytes(16))
    with pytest.raises(MalformedError, match="CREDENTIAL_MALFORMED"):
        credential_tag("poll", bytes(15))
    assert spent_key(one, 100, 480, only_once=True) == one
    days = {spent_key(one, minute, 480, only_once=False) for minute in (0, 959, 960, 2399, 2400)}
    assert len(days) == 3
    assert credentials_root([one, bytes(32)]) == tree_root([leaf_hash(bytes(32)), leaf_hash(one)])


def test_lists_have_one_spelling() -> None:
    places = [Place(0, 3), Place(0, 7), Place(2, 0)]
    assert parse_places(encode_places(places[::-1])) == places
    openings = [(bytes(16), (1, 2)), (b"x" * 16, (0, 3))]
    assert parse_openings(encode_openings(openings)) == openings
    assert places_of(choice_of([13, 0, 5], 14)) == (0, 5, 13)
    twice = encode_places(places[:1]) * 2
    for wrong in (twice, b"odd", encode_places(places)[6:] + encode_places(places)[:6]):
        with pytest.raises(MalformedError, match="ROWS_MALFORMED"):
            parse_places(wrong)
    for text in (b'[["zz",[1]]]', b'[["00"]]', b"[1]", b'[["00",["1"]]]', b'[["0A",[1]]]', b"{}x"):
        with pytest.raises(MalformedError, match=r"ROWS_MALFORMED|NOT_CANONICAL"):
            parse_openings(text)


@pytest.mark.parametrize("data", [b"{}", b"[]", b'{"serial":1}', b"x"])
def test_what_is_no_receipt(data: bytes) -> None:
    with pytest.raises(MalformedError, match=r"RECEIPT_MALFORMED|NOT_CANONICAL"):
        parse(data)


def test_rows_are_shown_without_votes_and_keep_their_root() -> None:
    one = block()
    shown = one.shown()
    heads = shown_heads(shown)
    assert heads == shown_heads(one.encode()) == [head for head, _ in one.pairs()]
    assert hash_heads(heads).root == tree_root(one.leaves())
    assert not any(vote.salt in shown for vote in one.votes())
    assert hash_heads(heads[::-1]).fault == "order"
    for wrong in (shown[:-1], shown[: len(shown) - 64 * one.count], b"other"):
        with pytest.raises(MalformedError, match="ROWS_MALFORMED"):
            shown_heads(wrong)


@pytest.mark.parametrize("run", [2, 5, 100])
def test_a_list_of_credentials_is_sorted_in_files(run: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(poll_credentials, "_RUN", run)
    tags = [sha256(b"%d" % number).digest() for number in range(23)]
    with listed([*tags[::-1], *tags[:4]]) as found:
        assert list(found) == sorted(tags)
        assert (found.count, found.root) == (23, credentials_root(tags).hex())
    path = tmp_path / "tags"
    path.write_text("".join(f"{tag.hex()}\n" for tag in tags))
    assert list(tags_of_file(path)) == tags
    for wrong in ("zz\n", "00\n", f"{tags[0].hex()}00\n"):
        path.write_text(f"{tags[0].hex()}\n{wrong}")
        with pytest.raises(MalformedError, match="CREDENTIAL_MALFORMED") as caught:
            list(tags_of_file(path))
        assert caught.value.facts["line"] == 2
    with pytest.raises(MalformedError, match="CREDENTIAL_MALFORMED"), listed([b"short"]):
        pass
