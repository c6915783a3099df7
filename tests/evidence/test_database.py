"""The store in the database: ciphertext only, keys outside, least privilege, and erasing held against the log."""

from collections.abc import Callable

import psycopg
import pytest

from ledger.errors import ConflictError, StoreError, VerificationError
from ledger.evidence_duties import Outcome, check_evidence
from tests.evidence.conftest import Kept
from tests.sequenced import SCHEMA, SERVICE

NAME = "张三丰，电话 13800000000".encode()


def test_the_database_holds_neither_content_nor_salt_nor_key(in_database: Kept) -> None:
    digest = in_database.attach(NAME)
    record = in_database.store.record(digest)
    with psycopg.connect(in_database.site.admin_dsn) as connection:
        rows = connection.execute(f"SELECT f::text, c::text FROM {SCHEMA}_evidence.files f, {SCHEMA}_evidence.chunks c")
        shown = repr(rows.fetchall())
    for secret in (NAME.hex(), (record.salt or b"").hex()):
        assert secret
        assert secret not in shown
    assert NAME not in in_database.files()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM {e}.files",
        "UPDATE {e}.files SET class = 'personal'",
        "UPDATE {e}.chunks SET content = '\\x00'",
        "TRUNCATE {e}.chunks",
        "INSERT INTO {e}.files (digest, class, erased_by) VALUES ('\\x00', 'personal', 1)",
        "DROP TABLE {e}.chunks",
        "CREATE TABLE {e}.more ()",
    ],
)
def test_the_service_reads_and_calls_the_functions_and_nothing_else(in_database: Kept, statement: str) -> None:
    in_database.attach(b"letter")
    with (
        psycopg.connect(in_database.site.service_dsn) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.format(e=f"{SCHEMA}_evidence").encode())


def test_the_database_itself_erases_only_what_the_log_says(in_database: Kept) -> None:
    digest, other = in_database.attach(NAME), in_database.attach(b"another")
    entry = in_database.erased_on_record(other)
    for wrong in (entry, entry - 1, 0, 10**9):
        with pytest.raises(ConflictError, match="ERASURE_NOT_ON_RECORD"):
            in_database.store.erase(digest, wrong)
    assert in_database.store.get(digest).content == NAME
    in_database.store.erase(other, entry)
    with pytest.raises(StoreError, match="EVIDENCE_MISSING"):
        in_database.store.erase("0" * 64, entry)


def test_what_a_crash_left_of_an_erasure_is_a_finding_until_it_is_finished(in_database: Kept) -> None:
    """The rows are gone and the key is not, or the other way about."""
    digest = in_database.attach(NAME)
    entry = in_database.erased_on_record(digest)
    path = in_database.folder / digest[:2] / f"{digest}.json"
    secret = path.read_bytes()
    in_database.store.erase(digest, entry)
    path.write_bytes(secret)
    (found,) = check_evidence(in_database.world.state, in_database.store)
    assert found.code == "EVIDENCE_NOT_ERASED"
    in_database.store.erase(digest, entry)
    (found,) = check_evidence(in_database.world.state, in_database.store)
    assert found.outcome is Outcome.ERASED
    assert list(in_database.folder.rglob("*.json")) == []


@pytest.mark.parametrize("secret", [b"", b"[]", b"{}", b'{"key":"AA==","salt":"AA=="}', b'{"key":"","salt":1}'])
def test_a_key_that_is_none_is_a_mismatch(in_database: Kept, secret: bytes) -> None:
    digest = in_database.attach(b"letter")
    (in_database.folder / digest[:2] / f"{digest}.json").write_bytes(secret)
    with pytest.raises(VerificationError, match="ATTACHMENT_MISMATCH"):
        in_database.store.get(digest)


def test_installing_again_keeps_what_is_there(in_database: Kept, again: Callable[[], None]) -> None:
    digest = in_database.attach(b"letter")
    again()
    in_database.site.tamper(f"REVOKE EXECUTE ON FUNCTION {SCHEMA}_evidence.erase FROM {SERVICE}")
    again()
    assert in_database.store.get(digest).content == b"letter"
