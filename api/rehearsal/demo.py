"""The demonstration: a rehearsal's folder on an embedded PostgreSQL, played from the seed, left for all other commands.

Every key follows from the seed, so nothing in such a folder is secret; its key files have the passphrase `rehearsal`.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.rehearsal.beats import Tell
from api.rehearsal.cast import cast_of
from api.rehearsal.driver import World, found
from api.rehearsal.live import SequencedLedger
from api.rehearsal.scenario import FOUNDED, play_contested
from api.rehearsal.seals import SEALED_FOLDER, SealedEvidence, sealed_to
from ledger import embedded_folder
from ledger.errors import StoreError
from ledger.keyfile import write_key
from ledger.opening import Home, create_home, open_sequencer, open_store, read_home
from ledger.programmes import load_shipped
from ledger.signing import SigningKey
from ledger.store.store import Store

ORIGIN = "rehearsal.example/演练/zhuyuan-2022"
PROGRAMME = "zhuyuan-2022"
PASSPHRASE = b"rehearsal"
SEED = "zhuyuan"


@dataclass(frozen=True, slots=True)
class Played:
    """A rehearsal that has been played: its folder, its open store, the world at its end, and everybody's name."""

    home: Home
    store: Store
    world: World
    people: dict[str, dict[str, str]]


def is_demo(folder: Path) -> bool:
    """Say whether a folder was left by a demonstration of this account, whole or cut short, and may be made anew."""
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        return False
    try:
        return read_home(folder).origin == ORIGIN
    except StoreError:
        return [path.name for path in folder.rglob("*")] == ["postgres"]


def clear(folder: Path) -> None:
    """Make way for a new demonstration.

    Raises `StoreError`: `DEMO_FOLDER_FOREIGN` for a folder that holds anything else, `STORE_IN_USE` while another
    process works on it, `STORE_FOLDER_UNUSABLE` where the database's account cannot reach it.
    """
    if folder.exists() and any(folder.iterdir()):
        if not is_demo(folder):
            raise StoreError("DEMO_FOLDER_FOREIGN", path=str(folder))
        os.close(embedded_folder.Home.prepare(folder / "postgres").lock())
        shutil.rmtree(folder)
    _check_reachable(folder)


def _check_reachable(folder: Path) -> None:
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    with embedded_folder.unusable_on_os_error(folder):
        try:
            embedded_folder.Home.prepare(folder / "postgres")
        except StoreError:
            shutil.rmtree(made[-1] if made else folder / "postgres", ignore_errors=True)
            raise


@contextmanager
def played(
    folder: Path, seed: str, begin: Callable[[World], Tell], sealed_from: Path | None = None
) -> Iterator[Played]:
    """Play the selection of 2022 into a new folder.

    `begin` is given the world before anything happens and returns who is told. `sealed_from` is an earlier
    demonstration's folder, whose ciphertexts are used again.
    """
    programme = load_shipped(PROGRAMME)
    home = create_home(folder, ORIGIN, log_key=_key(seed, "log"))
    with _embedded(), open_store(home) as store:
        with open_sequencer(home, store) as sequencer:
            world = World(SequencedLedger(sequencer), seed)
            world.set_time(*FOUNDED)
            found(world, programme, home.origin, sequencer.vkey.encode())
            (folder / "log.vkey").write_text(sequencer.vkey.encode() + "\n")
            play_contested(world, begin(world), _seals(home, seed, sealed_from))
        people = cast_of(world)
        _write_keys(world, folder / "keys", people)
        yield Played(home, store, world, people)


@contextmanager
def _embedded() -> Iterator[None]:
    """A demonstration never touches a database that was set up for something else."""
    other = os.environ.pop("DATABASE_URL", None)
    try:
        yield
    finally:
        if other is not None:
            os.environ["DATABASE_URL"] = other


def _seals(home: Home, seed: str, sealed_from: Path | None) -> SealedEvidence:
    earlier = sealed_from / SEALED_FOLDER if sealed_from else None
    return SealedEvidence(home.evidence, home.folder / SEALED_FOLDER, sealed_to(seed), earlier)


def _key(seed: str, label: str) -> SigningKey:
    return SigningKey.from_seed(hashlib.sha256(f"{seed}/{label}-key".encode()).digest())


def _write_keys(world: World, folder: Path, people: dict[str, dict[str, str]]) -> None:
    """Leave everybody's key file, so that whoever tries the commands can act as anybody."""
    folder.mkdir(mode=0o700)
    for actor in world.actors.values():
        if actor.person in people:
            write_key(folder / f"{actor.alias}.pem", actor.key, PASSPHRASE)
