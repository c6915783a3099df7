"""The one zip of given files: other tools open it, and every changed, dropped or added byte is found."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LedgerError, MalformedError
from projections import bundle_zip
from projections.bundle_zip import CanonicalZip, Member, is_member_name, write_zip

FILES = {"README.txt": b"read me\n", "core/a": b"", "core/b": b"0123456789" * 30, "manifest.json": b"{}\n"}
NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,8}(/[a-z0-9]{1,4}){0,2}", fullmatch=True)


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    write_zip(out, [(name, lambda data=data: [data[:7], data[7:]]) for name, data in sorted(files.items())])  # type: ignore[misc]
    return out.getvalue()


def read_all(data: bytes) -> dict[str, bytes]:
    opened = CanonicalZip(io.BytesIO(data))
    return {name: b"".join(opened.read(name)) for name in opened.members}


@given(st.dictionaries(NAMES, st.binary(max_size=50), max_size=6))
def test_what_is_written_is_read_by_us_and_by_others(files: dict[str, bytes]) -> None:
    data = zipped(files)
    assert read_all(data) == files
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        assert other.testzip() is None
        assert {name: other.read(name) for name in other.namelist()} == files
        assert all(info.date_time == (1980, 1, 1, 0, 0, 0) for info in other.infolist())


def test_the_standard_library_writes_the_same() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as other:
        for name, data in sorted(FILES.items()):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o100644 << 16
            other.writestr(info, data)
    assert zipped(FILES) == out.getvalue()


def test_every_changed_byte_is_found() -> None:
    data = zipped(FILES)
    for place in range(len(data)):
        for bit in (1, 0x20, 0xFF):
            changed = bytearray(data)
            changed[place] ^= bit
            with pytest.raises(LedgerError, match=r"ZIP_(?:MALFORMED|ALTERED)"):
                read_all(bytes(changed))


def test_every_dropped_or_added_byte_is_found() -> None:
    data = zipped(FILES)
    for place in range(len(data)):
        for changed in (data[:place] + data[place + 1 :], data[:place] + b"\0" + data[place:], data[:place]):
            with pytest.raises(LedgerError, match=r"ZIP_(?:MALFORMED|ALTERED)"):
                read_all(changed)


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\5\6" + bytes(17), b"PK\5\6" + bytes(19)])
def test_what_is_no_zip_is_not_read(data: bytes) -> None:
    with pytest.raises(MalformedError, match="ZIP_MALFORMED"):
        CanonicalZip(io.BytesIO(data))


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "../a", "a/../b", ".a", "a/.b", "a b", "a\\b", "ä", "a" * 201, "a\n"]
)
def test_names_that_could_lead_elsewhere_are_none(name: str) -> None:
    assert not is_member_name(name)
    with pytest.raises(ValueError, match="name"):
        write_zip(io.BytesIO(), [(name, lambda: [b""])])


def test_names_come_once_and_ascending() -> None:
    for names in (("b", "a"), ("a", "a")):
        with pytest.raises(ValueError, match="name"):
            write_zip(io.BytesIO(), [(name, lambda: [b""]) for name in names])


def test_numbers_beyond_the_old_format_use_the_wide_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_zip, "_MOST32", 300)
    data = zipped(FILES)
    assert read_all(data) == FILES
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(LedgerError, match=r"ZIP_(?:MALFORMED|ALTERED)"):
            read_all(bytes(changed))


def test_many_files_use_the_wide_end() -> None:
    files = {f"f/{number}": b"" for number in range(65_536)}
    data = zipped(files)
    assert read_all(data) == files
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        assert len(other.namelist()) == len(files)


def test_a_header_of_a_large_file_is_as_others_write_it() -> None:
    member = Member("a", 7, 2**32, 2**33)
    info = zipfile.ZipInfo("a", (1980, 1, 1, 0, 0, 0))
    info.CRC, info.file_size, info.compress_size = 7, 2**32, 2**32
    assert member.local() == info.FileHeader(zip64=True)
