"""The labels of the command line, in Chinese and English, from `words.toml` beside this file."""

import tomllib
from functools import lru_cache
from importlib import resources

from ledger.messages import LANGUAGES


@lru_cache(maxsize=1)
def words() -> dict[str, dict[str, str]]:
    """Return every label by its name, then by language."""
    read: dict[str, dict[str, str]] = tomllib.loads(
        resources.files("api.cli").joinpath("words.toml").read_text(encoding="utf-8")
    )
    return read


def word(name: str, language: str, /, **facts: object) -> str:
    """Return a label with its facts filled in; a name without a label is shown as it is."""
    known = words().get(name)
    return known[language if language in LANGUAGES else LANGUAGES[0]].format(**facts) if known else name
