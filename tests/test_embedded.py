"""The embedded server: started, found again, and never left behind, whatever is killed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from ledger import embedded_binaries
from ledger.embedded import EmbeddedPostgres
from ledger.embedded_binaries import Account, Binaries
from ledger.errors import StoreError

ROOT = os.geteuid() == 0
NOBODY = 65534
HOLDER = """
import signal, sys, time
from pathlib import Path
from ledger.embedded import EmbeddedPostgres
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have begun the tests with it ignored
try:
    server = EmbeddedPostgres.start(Path(sys.argv[1]))
    print(server.dsn, flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    pass
"""


@contextmanager
def python(script: str, *arguments: object, prefix: tuple[str, ...] = ()) -> Iterator["subprocess.Popen[str]"]:
    """Run a script in a Python of its own, with the project importable."""
    command = [*prefix, sys.executable, "-c", script, *(str(argument) for argument in arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as process:
        yield process
        process.kill()


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def processes_in(folder: Path) -> list[int]:
    """The processes that work in a data folder, whoever they are."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(process / "cwd")) == folder / "data":
                found.append(int(process.name))
        except OSError:
            continue
    return found


def gone(folder: Path, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while processes_in(folder) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not processes_in(folder)


def write(dsn: str, text: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (text text)")
        connection.execute("INSERT INTO kept VALUES (%s)", (text,))


def read(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM kept")]


def socket_folder(server: EmbeddedPostgres) -> Path:
    return Path(str(conninfo_to_dict(server.dsn)["host"]))


def refusal(folder: Path) -> StoreError:
    with pytest.raises(StoreError) as caught:
        EmbeddedPostgres.start(folder)
    return caught.value


@pytest.fixture
def wheel(monkeypatch: pytest.MonkeyPatch) -> Binaries:
    """The wheel's newest server, and nothing else to choose from."""
    found = Binaries.at(embedded_binaries.wheel_folders()[0])
    assert found is not None
    monkeypatch.setenv(embedded_binaries.FORCE_VARIABLE, str(found.folder))
    return found


def starts_again_with_its_data(folder: Path, major: int) -> None:
    with EmbeddedPostgres.start(folder) as cold:
        assert cold.major == major
        write(cold.dsn, "竹园")
        with psycopg.connect(cold.dsn) as connection:
            assert connection.info.server_version // 10000 == major
            shown = [
                connection.execute(f"SHOW {name}".encode()).fetchone()
                for name in ("fsync", "listen_addresses", "server_encoding", "timezone", "data_checksums")
            ]
            collation = connection.execute("SELECT datcollate FROM pg_database WHERE datname = 'postgres'").fetchone()
        assert shown == [("on",), ("",), ("UTF8",), ("UTC",), ("on",)]
        assert collation == ("C",)
    assert processes_in(folder) == []
    with EmbeddedPostgres.start(folder) as warm:
        assert read(warm.dsn) == ["竹园"]


def test_the_wheels_server_starts_again_with_its_data(folder: Path, wheel: Binaries) -> None:
    assert wheel.major == 18
    starts_again_with_its_data(folder, wheel.major)


@pytest.mark.system
def test_the_systems_server_is_preferred_and_starts_again_with_its_data(folder: Path) -> None:
    system = Binaries.at(embedded_binaries.system_folders()[0])
    assert system is not None
    starts_again_with_its_data(folder, system.major)


def test_the_wheels_older_server_is_found_for_older_data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = embedded_binaries.wheel_folders()[1]
    monkeypatch.setenv(embedded_binaries.FORCE_VARIABLE, str(older))
    with EmbeddedPostgres.start(folder) as server:
        major = server.major
    monkeypatch.delenv(embedded_binaries.FORCE_VARIABLE)
    with EmbeddedPostgres.start(folder) as server:
        assert server.major == major < 18


def test_the_server_is_private_and_never_root(folder: Path) -> None:
    with EmbeddedPostgres.start(folder):
        owners = {os.stat(f"/proc/{pid}").st_uid for pid in processes_in(folder)}
        assert owners == {(folder / "data").stat().st_uid}
        assert 0 not in owners
        assert (folder / "data").stat().st_mode & 0o777 == 0o700
        assert (folder / "socket").stat().st_mode & 0o777 == 0o700
        assert (folder / "server.log").stat().st_mode & 0o777 == 0o600


def test_stopping_twice_is_harmless(folder: Path) -> None:
    server = EmbeddedPostgres.start(folder)
    server.stop()
    server.stop()
    assert processes_in(folder) == []


def test_the_log_keeps_rows_and_statements_to_itself(folder: Path) -> None:
    with EmbeddedPostgres.start(folder) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE people (name text PRIMARY KEY)")
        connection.execute("INSERT INTO people VALUES ('张三')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO people VALUES ('张三')")
    log = (folder / "server.log").read_text("utf-8")
    assert "duplicate key" in log
    assert "张三" not in log


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_server_outlives_a_killed_process(folder: Path, end: signal.Signals) -> None:
    with python(HOLDER, folder) as holder:
        dsn = first_line(holder)
        write(dsn, "committed")
        with psycopg.connect(dsn):  # an idle client must not keep the server either
            holder.send_signal(end)
            holder.wait(10)
            assert gone(folder)
    with EmbeddedPostgres.start(folder) as server:
        assert read(server.dsn) == ["committed"]


def test_no_server_outlives_a_process_that_forgot_to_stop_it(folder: Path) -> None:
    with python(HOLDER.replace("time.sleep(600)", "pass"), folder) as holder:
        assert "host=" in first_line(holder)
        assert holder.wait(10) == 0
        assert processes_in(folder) == []


def test_starts_again_after_process_and_server_were_killed_at_once(folder: Path) -> None:
    with python(HOLDER, folder) as holder:
        dsn = first_line(holder)
        write(dsn, "committed")
        with psycopg.connect(dsn):
            postmaster = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
            os.kill(postmaster, signal.SIGKILL)
            holder.kill()
            holder.wait()
            with EmbeddedPostgres.start(folder) as server:
                assert read(server.dsn) == ["committed"]


def test_starts_after_a_kill_in_the_middle_of_the_first_start(folder: Path) -> None:
    with python(HOLDER, folder) as holder:
        deadline = time.monotonic() + 10
        while not (folder / "data.new" / "base").exists() and time.monotonic() < deadline:
            time.sleep(0.005)
        holder.kill()
        holder.wait()
    assert not (folder / "data").exists()
    with EmbeddedPostgres.start(folder) as server:
        write(server.dsn, "whole")


def test_ends_a_server_that_someone_left_running(folder: Path) -> None:
    with EmbeddedPostgres.start(folder):
        owner = (folder / "data").stat()
        program = os.readlink(f"/proc/{min(processes_in(folder))}/exe")
    as_user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if ROOT else {}
    options = [
        "-D",
        str(folder / "data"),
        "-c",
        "listen_addresses=",
        "-c",
        f"unix_socket_directories={folder / 'data'}",
    ]
    with subprocess.Popen([program, *options], cwd="/", stderr=subprocess.DEVNULL, **as_user) as left:  # type: ignore[call-overload]
        while not (folder / "data" / "postmaster.pid").exists():
            assert left.poll() is None
            time.sleep(0.02)
        with EmbeddedPostgres.start(folder) as server:
            assert left.poll() is not None
            write(server.dsn, "ours")


def test_a_stale_process_id_does_not_keep_it_from_starting(folder: Path) -> None:
    with EmbeddedPostgres.start(folder):
        stated = (folder / "data" / "postmaster.pid").read_text().splitlines()
    as_user = {"user": (folder / "data").stat().st_uid} if ROOT else {}
    with subprocess.Popen(["sleep", "600"], **as_user) as other:  # type: ignore[call-overload]
        (folder / "data" / "postmaster.pid").write_text("\n".join([str(other.pid), *stated[1:]]) + "\n")
        with EmbeddedPostgres.start(folder) as server:
            write(server.dsn, "started")
        assert other.poll() is None
        other.kill()


def test_a_forked_copy_stops_nothing(folder: Path) -> None:
    script = HOLDER.replace(
        "time.sleep(600)",
        """
    import os, psycopg, warnings
    warnings.simplefilter("ignore")
    if (child := os.fork()) == 0:
        sys.exit(0)
    os.waitpid(child, 0)
    with psycopg.connect(server.dsn) as connection:
        print(connection.execute("SELECT 'alive'").fetchone()[0], flush=True)
""",
    )
    with python(script, folder) as holder:
        assert "host=" in first_line(holder)
        assert first_line(holder) == "alive"
    assert gone(folder)


def test_only_one_at_a_time(folder: Path) -> None:
    with EmbeddedPostgres.start(folder):
        again = refusal(folder)
    assert (again.code, again.facts) == ("STORE_IN_USE", {"folder": str(folder)})
    with python(HOLDER, folder) as holder:
        assert "host=" in first_line(holder)
        assert refusal(folder).code == "STORE_IN_USE"
    assert gone(folder)


def test_data_of_another_major_version_is_named(folder: Path, wheel: Binaries) -> None:
    with EmbeddedPostgres.start(folder):
        pass
    (folder / "data" / "PG_VERSION").write_text("14\n")
    error = refusal(folder)
    assert (error.code, error.facts) == ("STORE_WRONG_MAJOR", {"data": 14, "available": str(wheel.major)})


def test_a_folder_that_cannot_be_used_is_refused(folder: Path) -> None:
    (folder / "file").write_text("")
    (folder / "other").mkdir()
    (folder / "other" / "thesis.txt").write_text("")
    (folder / "broken" / "data").mkdir(parents=True)
    (folder / "closed").mkdir(mode=0o600)
    cases = {
        folder / "file": "Not a directory",
        folder / "other": "it holds something else",
        folder / "broken": "its data is not PostgreSQL's",
        folder / "closed" / "log": "account postgres cannot reach it" if ROOT else "Permission denied",
        Path("/proc/ballot-ledger"): "No such file or directory",
    }
    for path, reason in cases.items():
        error = refusal(path)
        assert error.code == "STORE_FOLDER_UNUSABLE"
        assert error.facts["reason"] in (reason, reason.replace("postgres", "nobody"))
    assert (folder / "other" / "thesis.txt").exists()


def test_a_server_that_does_not_start_shows_its_last_words(folder: Path) -> None:
    with EmbeddedPostgres.start(folder):
        pass
    (folder / "data" / "postgresql.conf").write_text("no_such_setting = 1\n")
    error = refusal(folder)
    assert error.code == "STORE_NOT_STARTED"
    assert "no_such_setting" in str(error.facts["log"])
    assert processes_in(folder) == []


def test_without_programs_it_says_where_it_looked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(embedded_binaries.FORCE_VARIABLE, str(folder))
    error = refusal(folder / "log")
    assert (error.code, error.facts["looked_in"]) == ("STORE_NOT_STARTED", str(folder))


@pytest.mark.parametrize("name", ["竹" * 40, "one,two", 'it\'s "quoted" \\ here'])
def test_any_folder_name_works(folder: Path, name: str) -> None:
    with EmbeddedPostgres.start(folder / name) as server:
        write(server.dsn, "reached")
        sockets = socket_folder(server)
    assert not sockets.exists()


def test_a_socket_folder_of_someone_else_is_refused(folder: Path) -> None:
    path = folder / "one,two"
    with EmbeddedPostgres.start(path) as server:
        sockets = socket_folder(server)
    sockets.symlink_to(folder)
    try:
        assert refusal(path).facts == {"folder": str(sockets), "reason": "it is not ours alone"}
    finally:
        sockets.unlink()


@pytest.mark.parametrize(("mode", "reached"), [(0o711, True), (0o701, True), (0o710, False), (0o700, False)])
def test_an_account_reaches_what_every_folder_above_lets_it_enter(folder: Path, mode: int, reached: bool) -> None:
    folder.chmod(mode)
    stranger, owner = Account(12345, 12345), Account(os.geteuid(), 12345)
    assert stranger.reaches(folder / "server") is reached
    assert owner.reaches(folder / "server")


@pytest.mark.system
def test_an_ordinary_account_needs_no_root(folder: Path) -> None:
    # The capability lets the account reach an interpreter below root's home; it does not make it root.
    able = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *able) if ROOT else ()
    owner = NOBODY if ROOT else os.geteuid()
    os.chown(folder, owner, -1)
    with python(HOLDER, folder / "log", prefix=drop) as holder:
        write(first_line(holder), "committed")
        assert {os.stat(f"/proc/{pid}").st_uid for pid in processes_in(folder / "log")} == {owner}
        assert (folder / "log" / "lock").stat().st_uid == owner
        holder.kill()
        holder.wait()
        assert gone(folder / "log")
    with EmbeddedPostgres.start(folder / "log") as server:
        assert read(server.dsn) == ["committed"]
        assert (folder / "log" / "data").stat().st_uid == owner


@pytest.mark.system
def test_a_wheel_that_the_account_cannot_reach_is_copied(
    folder: Path, monkeypatch: pytest.MonkeyPatch, wheel: Binaries
) -> None:
    hidden = folder / "hidden"
    hidden.mkdir(mode=0o700)
    package = wheel.folder.parents[1]
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), hidden / name, symlinks=True)
    monkeypatch.syspath_prepend(hidden)
    monkeypatch.setattr(embedded_binaries, "WHEEL_CACHE", folder / "cache")
    monkeypatch.setenv(embedded_binaries.FORCE_VARIABLE, str(hidden / package.name / "pginstall18" / "bin"))
    with EmbeddedPostgres.start(folder / "log") as server:
        write(server.dsn, "ran")
        program = Path(os.readlink(f"/proc/{min(processes_in(folder / 'log'))}/exe"))
    assert program.is_relative_to(folder / ("cache" if ROOT else "hidden"))
