"""The pin file: it goes forward only, survives a torn write, and is refused when it is anything else."""

import os
from pathlib import Path

import pytest

from ledger import pin
from ledger.errors import StoreError
from ledger.merkle import leaf_hash

ROOTS = [leaf_hash(b"%d" % size) for size in range(20)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the pin will be."""
    return tmp_path / "pin"


def pinned(path: Path, *sizes: int) -> pin.PinFile:
    """Advance a pin through `sizes`."""
    file = pin.PinFile(path)
    for size in sizes:
        file.advance(size, ROOTS[size])
    return file


def code_of_read(path: Path) -> str:
    """Return the code with which a file is refused."""
    with pytest.raises(StoreError) as caught:
        pin.read(path)
    return caught.value.code


def test_no_file_is_no_pin(path: Path) -> None:
    assert pin.read(path) is None
    assert pin.PinFile(path).newest is None
    assert not path.exists()


def test_what_is_written_is_read_by_everyone(path: Path) -> None:
    file = pin.PinFile(path)
    for size in (1, 2, 3, 5, 8):
        file.advance(size, ROOTS[size])
        assert pin.read(path) == file.newest == pin.Pin(size, ROOTS[size])
        assert path.stat().st_size == pin.FILE_BYTES
    file.close()
    file.close()
    reopened = pin.PinFile(path)
    for size in (9, 10, 11):
        reopened.advance(size, ROOTS[size])
        assert pin.read(path) == pin.Pin(size, ROOTS[size])
    reopened.close()
    assert [entry.name for entry in path.parent.iterdir()] == ["pin"]


def test_golden_bytes(path: Path) -> None:
    pinned(path, 1, 7).close()
    first, second = path.read_bytes()[:4096], path.read_bytes()[4096:]
    assert second.rstrip(b"\x00") == (
        b"ballot-ledger-pin@v1 7 797427cf8368051fe7b8e3e9d5ade9c5bc9d0cf96f4f3fad2a1e1d7848368188 "
        b"cfd2537063f207b08ca8064a4c0eb26fa4bcf9ae935cde784afd2037666ffa75\n"
    )
    assert first.startswith(b"ballot-ledger-pin@v1 1 ")


def test_it_never_goes_back(path: Path) -> None:
    file = pinned(path, 5, 6)
    file.advance(6, ROOTS[6])
    for size, root in [(5, ROOTS[5]), (6, ROOTS[7]), (0, ROOTS[0])]:
        with pytest.raises(StoreError) as caught:
            file.advance(size, root)
        assert caught.value.code == "PIN_REGRESSION"
    assert pin.read(path) == pin.Pin(6, ROOTS[6])
    for size, root in [(-1, ROOTS[0]), (7, b"short")]:
        with pytest.raises(ValueError, match="a pin is"):
            file.advance(size, root)
    file.close()


@pytest.mark.parametrize("last", [6, 7])
def test_a_torn_write_leaves_the_pin_before_it(path: Path, last: int) -> None:
    pinned(path, *range(1, last)).close()
    before = path.read_bytes()
    pinned(path, last).close()
    after = path.read_bytes()
    changed = [place for place in range(pin.FILE_BYTES) if before[place] != after[place]]
    assert len({place // pin.SLOT_BYTES for place in changed}) == 1
    for place in changed:
        path.write_bytes(after[:place] + before[place:] if place else before)
        assert pin.read(path) == pin.Pin(last - 1, ROOTS[last - 1])
        file = pinned(path, last + 1)
        file.close()
        assert pin.read(path) == pin.Pin(last + 1, ROOTS[last + 1])


def test_every_flipped_bit_is_found(path: Path) -> None:
    pinned(path, 1).close()
    content = path.read_bytes()
    for place in [*range(200), 4095]:
        for bit in range(8):
            broken = bytearray(content)
            broken[place] ^= 1 << bit
            path.write_bytes(broken)
            assert code_of_read(path) == "PIN_CORRUPT"


def test_other_files_are_refused(path: Path) -> None:
    pinned(path, 1, 2).close()
    content = path.read_bytes()
    slot, other = content[:4096], content[4096:]
    fork = slot.replace(ROOTS[1].hex().encode(), ROOTS[3].hex().encode())
    for broken in [
        b"",
        content[:-1],
        content + b"\x00",
        bytes(8192),
        b"x" * 8192,
        slot,
        slot + slot,
        fork + bytes(4096),
    ]:
        path.write_bytes(broken)
        assert code_of_read(path) == "PIN_CORRUPT"
    for field in [b"01", b"+1", b"1_0", b"", b"9" * 20]:
        line = b"ballot-ledger-pin@v1 %b %b" % (field, ROOTS[1].hex().encode())
        path.write_bytes((line + b" " + b"0" * 64 + b"\n").ljust(4096, b"\x00") + bytes(4096))
        assert code_of_read(path) == "PIN_CORRUPT"
    path.write_bytes(other + slot)
    assert pin.read(path) == pin.Pin(2, ROOTS[2])


def test_two_writers_cannot_both_begin(path: Path) -> None:
    first, second = pin.PinFile(path), pin.PinFile(path)
    first.advance(1, ROOTS[1])
    with pytest.raises(StoreError) as caught:
        second.advance(1, ROOTS[2])
    assert caught.value.code == "PIN_UNAVAILABLE"
    assert pin.read(path) == pin.Pin(1, ROOTS[1])
    first.close()


def test_a_leftover_of_a_crash_before_the_first_pin_is_replaced(path: Path) -> None:
    path.with_name("pin.new").write_bytes(b"half")
    pinned(path, 1).close()
    assert pin.read(path) == pin.Pin(1, ROOTS[1])


def test_what_cannot_be_read_or_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.mkdir()
    assert code_of_read(path) == "PIN_UNAVAILABLE"
    path.rmdir()
    pinned(path, 1).close()

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StoreError) as caught:
        pin.PinFile(path)
    assert caught.value.code == "PIN_UNAVAILABLE"


def test_after_a_failed_flush_nothing_more_is_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = pinned(path, 1)

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(StoreError) as caught:
            file.advance(2, ROOTS[2])
        assert caught.value.code == "PIN_UNAVAILABLE"
    with pytest.raises(StoreError) as caught:
        file.advance(3, ROOTS[3])
    assert caught.value.facts["reason"] == "an earlier write failed"
    assert file.newest == pin.Pin(1, ROOTS[1])
    file.close()


def test_a_short_write_is_a_failed_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = pinned(path, 1)
    monkeypatch.setattr(os, "pwrite", lambda *_: 17)
    with pytest.raises(StoreError) as caught:
        file.advance(2, ROOTS[2])
    assert caught.value.code == "PIN_UNAVAILABLE"
    file.close()
