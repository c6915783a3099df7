"""The witness policy: which logs and witnesses are known, and which of them must have cosigned (C2SP tlog-policy).

A file of lines: `log <vkey> [url]`, `witness <name> <vkey> [url]`, `group <name> all|any|<k> <member>…` and exactly one
`quorum <name>|none`. Everything that is wrong with a file is told at once, each with its line. Stricter than the format
in two points: names and URLs are UTF-8, and a log's own key is no witness of that log.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ledger.checkpoint import VerifierKey, parse_vkey
from ledger.cosignature import Cosigned, WitnessKey, parse_witness_vkey
from ledger.errors import MalformedError

MAX_POLICY_BYTES = 1_000_000
MAX_DEFINITIONS = 256
"""Logs, witnesses and groups together; the format asks for at least 32 of each."""
NONE = "none"
"""The predefined name of a quorum that asks for nobody."""

_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_BLANKS = re.compile("[ \t]+")
_COUNT = re.compile("[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One thing wrong with a policy file: its code, its line (from 1; 0 for the file as a whole) and the facts."""

    code: str
    line: int
    facts: Mapping[str, str | int] = field(default_factory=dict)


class PolicyError(MalformedError):
    """A policy file that cannot be used (`POLICY_MALFORMED`), with every problem in it."""

    def __init__(self, problems: tuple[PolicyProblem, ...]) -> None:
        """Name the first problem in the facts; all of them are in `problems`."""
        super().__init__("POLICY_MALFORMED", line=problems[0].line, reason=problems[0].code, count=len(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class PolicyLog:
    """A log whose checkpoints are accepted; its key's name is the origin."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: the name the policy calls it by, its key, and where it takes checkpoints."""

    name: str
    key: WitnessKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group that counts as having cosigned once `threshold` of its members have."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Known logs, witnesses and groups, and the quorum: the name of a witness or group, None if nobody is asked."""

    logs: tuple[PolicyLog, ...]
    witnesses: Mapping[str, Witness]
    groups: Mapping[str, Group]
    quorum: str | None

    @property
    def keys(self) -> tuple[WitnessKey, ...]:
        """The keys of all witnesses, in the order of the file."""
        return tuple(witness.key for witness in self.witnesses.values())

    def satisfied_by(self, names: Iterable[str]) -> bool:
        """Say whether the witnesses of these names, together, meet the quorum."""
        met = set(names) & self.witnesses.keys()
        # A group names only what stands above it, so one pass in the order of the file decides every group.
        for group in self.groups.values():
            if len(met.intersection(group.members)) >= group.threshold:
                met.add(group.name)
        return self.quorum is None or self.quorum in met

    def cosigners(self, cosigned: Cosigned) -> frozenset[str]:
        """Return the policy's names of the witnesses whose keys cosigned."""
        return frozenset(witness.name for witness in self.witnesses.values() if witness.key.public in cosigned.keys)

    def accepts(self, cosigned: Cosigned) -> bool:
        """Say whether a checkpoint bears the cosignatures that the policy asks for."""
        return self.satisfied_by(self.cosigners(cosigned))


def parse_policy(data: bytes | str) -> Policy:
    """Read a policy file. Raises `PolicyError` with every problem it has."""
    reader = _Reader()
    content = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(content) > MAX_POLICY_BYTES:
        raise PolicyError((PolicyProblem("POLICY_TOO_LARGE", 0, {"most": MAX_POLICY_BYTES}),))
    lines = content.split(b"\n")
    if lines.pop():
        # Without its line feed the last line may be a piece of a longer one.
        reader.problem("POLICY_LINE", len(lines) + 1, where="line feed")
    for number, line in enumerate(lines, 1):
        reader.read(number, line)
    return reader.finish(len(lines))


class _Reader:
    """A policy file in reading: what is defined so far, and what is wrong so far."""

    def __init__(self) -> None:
        self._problems: list[PolicyProblem] = []
        self._logs: list[PolicyLog] = []
        self._witnesses: dict[str, Witness] = {}
        self._groups: dict[str, Group] = {}
        self._quorum: str | None = None
        self._quorum_line = 0
        self._names: set[str] = {NONE}
        self._members: set[str] = set()
        self._log_keys: dict[bytes, int] = {}
        self._witness_keys: dict[bytes, int] = {}

    def problem(self, code: str, line: int, **facts: str | int) -> None:
        """Note one problem."""
        self._problems.append(PolicyProblem(code, line, facts))

    def read(self, number: int, line: bytes) -> None:
        """Read one line without its line feed."""
        if _FORBIDDEN.search(line):
            self.problem("POLICY_CHARACTER", number)
            return
        stripped = line.strip(b" \t")
        if not stripped or stripped.startswith(b"#"):
            return
        try:
            keyword, *items = _BLANKS.split(stripped.decode())
        except UnicodeDecodeError:
            self.problem("POLICY_CHARACTER", number)
            return
        match keyword, items:
            case "log", [vkey, *url] if len(url) <= 1:
                self._log(number, vkey, url[0] if url else None)
            case "witness", [name, vkey, *url] if len(url) <= 1:
                self._witness(number, name, vkey, url[0] if url else None)
            case "group", [name, threshold, *members] if members:
                self._group(number, name, threshold, members)
            case "quorum", [name]:
                self._set_quorum(number, name)
            case _:
                self.problem("POLICY_LINE", number, where=keyword[:20])

    def _log(self, number: int, vkey: str, url: str | None) -> None:
        try:
            key = parse_vkey(vkey)
        except MalformedError as error:
            self.problem("POLICY_KEY", number, where=str(error.facts["where"]))
            return
        if self._is_new(number, key.public, self._log_keys):
            self._logs.append(PolicyLog(key, url))

    def _witness(self, number: int, name: str, vkey: str, url: str | None) -> None:
        self._define(number, name)
        try:
            key = parse_witness_vkey(vkey)
        except MalformedError as error:
            self.problem("POLICY_KEY", number, where=str(error.facts["where"]))
            return
        if self._is_new(number, key.public, self._witness_keys):
            self._witnesses.setdefault(name, Witness(name, key, url))

    def _is_new(self, number: int, public: bytes, kind: dict[bytes, int]) -> bool:
        """Whether no line above has the same public key, under whatever name; the log is no witness of itself."""
        first = self._log_keys.get(public) or self._witness_keys.get(public)
        if first is not None:
            self.problem("POLICY_KEY_DUPLICATE", number, first=first)
            return False
        kind[public] = number
        return True

    def _group(self, number: int, name: str, threshold: str, members: list[str]) -> None:
        before = frozenset(self._names)
        self._define(number, name)
        for member in members:
            if member not in before or member == NONE:
                self.problem("POLICY_NAME_UNKNOWN", number, name=member[:80])
            elif member in self._members:
                self.problem("POLICY_MEMBER_TWICE", number, name=member[:80])
            self._members.add(member)
        needed = {"all": len(members), "any": 1}.get(threshold)
        if needed is None:
            needed = int(threshold) if _COUNT.fullmatch(threshold) else 0
        if not 1 <= needed <= len(members):
            self.problem("POLICY_THRESHOLD", number, threshold=threshold[:20], members=len(members))
        self._groups.setdefault(name, Group(name, needed, tuple(members)))

    def _define(self, number: int, name: str) -> None:
        if name in self._names:
            self.problem("POLICY_NAME_TWICE", number, name=name[:80])
        self._names.add(name)

    def _set_quorum(self, number: int, name: str) -> None:
        if self._quorum_line:
            self.problem("POLICY_QUORUM", number, where=f"{self._quorum_line}, {number}")
        elif name not in self._names:
            self.problem("POLICY_NAME_UNKNOWN", number, name=name[:80])
        self._quorum_line = number
        self._quorum = None if name == NONE else name

    def finish(self, lines: int) -> Policy:
        """Return the policy, or raise everything that is wrong with it."""
        if not self._quorum_line:
            self.problem("POLICY_QUORUM", lines + 1, where="-")
        if len(self._logs) + len(self._witnesses) + len(self._groups) > MAX_DEFINITIONS:
            self.problem("POLICY_TOO_LARGE", 0, most=MAX_DEFINITIONS)
        if self._problems:
            raise PolicyError(tuple(sorted(self._problems, key=lambda problem: problem.line)))
        return Policy(tuple(self._logs), self._witnesses, self._groups, self._quorum)
