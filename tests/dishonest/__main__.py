"""Find for every refusal the play that has it soonest in its log, and write which play is gone wrong for which codes.

Run as `python -m tests.dishonest` after a refusal or a test has come, gone or changed its name; it takes a minute.
"""

import json
from collections import defaultdict
from collections.abc import Mapping

from tests.dishonest.offences import TABLE, Offence, by_itself, recording
from tests.dishonest.plays import every_play, play

NEAR = 60
"""So much longer than the shortest may a log be whose play is needed anyhow."""

Found = dict[str, dict[str, Offence]]


def everything() -> Found:
    """Play everything; return for each code the plays that have it refused."""
    found: Found = defaultdict(dict)
    for name in every_play():
        with recording() as kept:
            try:
                play(name)
            except BaseException as error:
                # Some tests need a real sequencer after all; what they had refused until then counts.
                print(f"{name}: {type(error).__name__}")
        for code, offence in kept.items():
            found[code][name] = offence
    return found


def nearest(found: Mapping[str, Offence]) -> set[str]:
    """Return the plays that have a code soonest, and those nearly as soon."""
    shortest: int | None = None
    names = set()
    for name, offence in sorted(found.items(), key=lambda item: len(item[1].entries)):
        length = len(offence.entries)
        if shortest is not None and length > shortest + NEAR:
            break
        if by_itself(offence):
            shortest = length if shortest is None else shortest
            names.add(name)
    return names


def chosen(found: Found) -> dict[str, list[str]]:
    """Choose few plays with short logs: again and again the one that has most of what is still missing."""
    near = {code: nearest(of) for code, of in found.items()}
    near = {code: names for code, names in near.items() if names}
    plays: dict[str, list[str]] = {}
    while near:
        having: dict[str, list[str]] = defaultdict(list)
        for code, names in near.items():
            for name in names:
                having[name].append(code)
        best = min(having, key=lambda name: (-len(having[name]), name))
        plays[best] = sorted(having[best])
        near = {code: names for code, names in near.items() if best not in names}
    return dict(sorted(plays.items()))


if __name__ == "__main__":
    TABLE.write_text(json.dumps(chosen(everything()), indent=1, ensure_ascii=False) + "\n")
