"""People on the command line: ids, and in a rehearsal the invented names of its cast, which no entry holds."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from api.cli.terminal import CliError

CAST_FILE = "cast.json"
SHORT = 8


@dataclass(frozen=True, slots=True)
class Cast:
    """The invented people of a rehearsal: person id to alias and name. Empty for a real selection."""

    names: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    seed: str | None = None

    def label(self, person: str) -> str:
        """Return a short id, with the invented name where there is one."""
        short = person if len(person) <= SHORT + 2 else person[:SHORT]
        name = self.names.get(person)
        return f"{name} {short}" if name else short

    def name(self, person: str) -> str | None:
        """Return the invented name, or None."""
        return self.names.get(person)


def read_cast(folder: Path) -> Cast:
    """Return the cast of a ledger's folder; an empty one where there is none. Raises `CliError` `CAST_UNREADABLE`."""
    try:
        value = json.loads((folder / CAST_FILE).read_bytes())
        people = value["people"]
        names = {person: str(one["name"]) for person, one in people.items()}
        aliases = {str(one["alias"]): person for person, one in people.items()}
        return Cast(names, aliases, str(value["seed"]))
    except FileNotFoundError:
        return Cast()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise CliError("CAST_UNREADABLE", path=str(folder / CAST_FILE)) from None


def write_cast(folder: Path, seed: str, people: dict[str, dict[str, str]]) -> None:
    """Write the cast of a rehearsal: person id to alias and name."""
    value = {"people": people, "seed": seed}
    (folder / CAST_FILE).write_text(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")


def find_person(asked: str, known: set[str], cast: Cast) -> str:
    """Return the person that an id, the beginning of one, an alias or an invented name means.

    Raises `CliError`: `PERSON_UNKNOWN`, or `PERSON_AMBIGUOUS` if it means several.
    """
    if asked in known:
        return asked
    if asked in cast.aliases:
        return cast.aliases[asked]
    found = [person for person, name in cast.names.items() if name == asked]
    if not found and len(asked) >= 4:
        found = sorted(person for person in known if person.startswith(asked))
    if len(found) > 1:
        raise CliError("PERSON_AMBIGUOUS", asked=asked[:96], people=len(found))
    if not found:
        raise CliError("PERSON_UNKNOWN", asked=asked[:96])
    return found[0]
