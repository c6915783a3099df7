"""The self-contained verifier, `verify.pyz`: one file that any Python of at least 3.11 runs, with nothing installed.

It holds the modules that `api.verify` reaches, as they are, found by reading their imports; so no list of them can grow
stale. For one version of the source it is always the same bytes.
"""

import ast
from collections.abc import Iterator
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path

import api
import ledger
import projections
from projections.bundle_zip import write_zip

NAME = "verify.pyz"
_START = "api.verify"
_MAIN = b'"""Verify an export or a receipt."""\n\nfrom api.verify import main\n\nraise SystemExit(main())\n'
_DATA = ("ledger/messages/zh.toml", "ledger/messages/en.toml", "projections/audit/words.toml")
_ROOMS = {room.__name__: Path(room.__file__ or "").parent for room in (api, ledger, projections)}


@lru_cache(maxsize=1)
def verifier_bytes() -> bytes:
    """Return the bytes of `verify.pyz`."""
    files = {path: (_source(path),) for path in (*modules(), *_DATA)} | {"__main__.py": (_MAIN,)}
    out = BytesIO()
    write_zip(out, ((name, partial(files.__getitem__, name)) for name in sorted(files)))
    return out.getvalue()


def modules() -> tuple[str, ...]:
    """Return the paths of all modules that the verifier reaches, whether or not an import is ever carried out."""
    found: set[str] = set()
    waiting = [_START]
    while waiting:
        path = _path(waiting.pop())
        if path is None or path in found:
            continue
        found.add(path)
        waiting += _reached(path)
    return tuple(sorted(found))


def _path(module: str) -> str | None:
    """Return the path of a module of ours below the root; None for anything else."""
    room, *below = module.split(".")
    if room not in _ROOMS:
        return None
    base = _ROOMS[room].joinpath(*below)
    for file in (base / "__init__.py", base.with_suffix(".py")):
        if file.is_file():
            return str(Path(room) / file.relative_to(_ROOMS[room]))
    return None


def _source(path: str) -> bytes:
    room, _, below = path.partition("/")
    return (_ROOMS[room] / below).read_bytes()


def _reached(path: str) -> Iterator[str]:
    """Name every module that a module imports, and the packages they are in."""
    for node in ast.walk(ast.parse(_source(path))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))
