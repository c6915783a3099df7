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

from api.client import Client
from api.rehearsal.beats import Tell
from api.rehearsal.cast import cast_of
from api.rehearsal.driver import World, found
from api.rehearsal.live import SequencedLedger
from api.rehearsal.over_http import ServedSeals, ServedWorld, results_hash
from api.rehearsal.scenario import FOUNDED, play_contested
from api.rehearsal.seals import SEALED_FOLDER, SealedEvidence, Seals, sealed_to
from api.rehearsal.serving import served
from ledger import canonical, embedded_folder
from ledger.errors import StoreError
from ledger.keyfile import write_key
from ledger.opening import Home, create_home, founding_key, open_sequencer, open_store, read_home
from ledger.programmes import load_shipped
from ledger.sealing_keys import FILE as SEALING_KEYS
from ledger.sealing_keys import announce
from ledger.signing import SigningKey
from ledger.store.store import Store

ORIGIN = "rehearsal.example/演练/zhuyuan-2022"
PROGRAMME = "zhuyuan-2022"
PASSPHRASE = b"rehearsal"
SEED = "zhuyuan"


@dataclass(frozen=True, slots=True)
class Played:
    """A rehearsal that has been played: its folder, its open store, the world at its end, and everybody's name.

    `served_hash` is the hash of the results as its service told them, where it was played over HTTP.
    """

    home: Home
    store: Store
    world: World
    people: dict[str, dict[str, str]]
    served_hash: str | None = None


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
    folder: Path, seed: str, begin: Callable[[World], Tell], sealed_from: Path | None = None, workers: int = 0
) -> Iterator[Played]:
    """Play the selection of 2022 into a new folder.

    `begin` is given the world before anything happens and returns who is told. `sealed_from` is an earlier
    demonstration's folder, whose ciphertexts are used again. With `workers` it is played over HTTP, through a service
    of so many of them.
    """
    home = create_home(folder, ORIGIN, log_key=_key(seed, "log"))
    vkey = founding_key(home)
    home.log_vkey.write_text(vkey.encode() + "\n")
    with _embedded():
        if workers:
            world, told = _over_http(home, seed, begin, workers)
        else:
            world, told = _in_process(home, seed, begin, _seals(home, seed, sealed_from)), None
        people = cast_of(world)
        _write_keys(world, folder / "keys", people)
        with open_store(home) as store:
            yield Played(home, store, world, people, told)


def _in_process(home: Home, seed: str, begin: Callable[[World], Tell], seals: Seals) -> World:
    with open_store(home) as store, open_sequencer(home, store) as sequencer:
        world = World(SequencedLedger(sequencer), seed)
        _play(world, home, begin, seals)
        return world


def _over_http(home: Home, seed: str, begin: Callable[[World], Tell], workers: int) -> tuple[World, str | None]:
    keys = [founding_key(home)]
    with served(home.folder, workers) as url, Client(url, keys) as client:
        world = ServedWorld(client, seed)
        _play(world, home, begin, ServedSeals(url, keys))
        titles = world.state.naming.titles
        return world, results_hash(client, titles.index) if titles else None


def _play(world: World, home: Home, begin: Callable[[World], Tell], seals: Seals) -> None:
    world.set_time(*FOUNDED)
    found(world, load_shipped(PROGRAMME), home.origin, founding_key(home).encode())
    announced = announce(sealed_to(world.seed), world.state.charter.id, world.actor("discipline").key)
    (home.folder / SEALING_KEYS).write_bytes(canonical.encode(announced.plain()))
    play_contested(world, begin(world), seals)


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
