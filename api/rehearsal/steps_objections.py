"""The play of 异议: an objection from its receipt to the answer, and what follows from it."""

import hashlib

from api.rehearsal.driver import Actor, World
from api.rehearsal.steps_deliberation import close_vote, leaders, minutes, play_vote
from ledger.roll import SEALED_PREFIX
from ledger.signing import SigningKey, encode_base64, key_id
from ledger.statements.notices import (
    HearingNotified,
    ObjectionAnswered,
    ObjectionDecided,
    ObjectionExamined,
    ObjectionInvestigated,
    ObjectionReceived,
    ReplyGiven,
    SealOpened,
)

HOUR = 3_600_000


def one_time_actor(world: World, alias: str) -> Actor:
    """Return somebody who acts by a key made for one objection, known only as `sealed:` and the key's id."""
    known = world.actors.get(alias)
    if known is None:
        key = SigningKey.from_seed(hashlib.sha256(f"{world.seed}/one-time/{alias}".encode()).digest())
        known = Actor(alias, SEALED_PREFIX + key_id(key.public), key, "-", "-")
        world.actors[alias] = known
    return known


def objection(world: World, *against: str, **changes: object) -> ObjectionReceived:
    """Return the outer statement of an objection against these people, to their notice."""
    number = len(world.state.notices.objections.by_id) + 1
    values: dict[str, object] = {
        "against": against,
        "arrived_at": None,
        "notice": world.state.notices.of_person[against[0]].id,
        "objection": world.identifier(f"objection/{number}"),
        "one_time_key": None,
        "sealed": world.digest(f"sealed/{number}"),
    }
    return ObjectionReceived(**(values | changes))  # type: ignore[arg-type]


def receive(world: World, *against: str, anonymous: bool = False) -> str:
    """Let an objection come in: in writing at the desk, or by a one-time key; returns its id."""
    body = objection(world, *against)
    if anonymous:
        alias = f"objector-{body.objection[:8]}"
        public = encode_base64(one_time_actor(world, alias).key.public)
        body = objection(world, *against, one_time_key=public)
        world.must(alias, body)
    else:
        world.must("intake-1", body)
    return body.objection


def examine(world: World, objection_id: str, *, real_name: bool = True) -> None:
    """Let discipline open the seal and say whether the objection is admissible."""
    known = world.state.notices.objections.by_id[objection_id]
    world.must("discipline", SealOpened("核对异议人身份", known.sealed))
    reason = "实名书面提出" if real_name else "未署名，作为线索留存"
    world.must("discipline", ObjectionExamined(True, objection_id, real_name, reason))


def hear(world: World, objection_id: str, *, replies: bool = True) -> None:
    """Tell those concerned the substance and let them reply, or let their time pass."""
    known = world.state.notices.objections.by_id[objection_id]
    for person in known.undecided(world.state.out):
        substance = world.digest(f"substance/{objection_id}/{person}")
        respond_by = world.now + 24 * HOUR
        world.must("organiser", HearingNotified(person, objection_id, respond_by, substance))
        if replies:
            reply(world, objection_id, person)
        else:
            world.now = respond_by


def reply(world: World, objection_id: str, person: str) -> None:
    """Let a candidate reply by the own key, or on paper through the desk where they have none."""
    text = world.digest(f"reply/{objection_id}/{person}")
    if world.state.roll.people[person].keys:
        world.must(world.alias_of(person), ReplyGiven(person, objection_id, None, text))
    else:
        paper = world.digest(f"reply-paper/{objection_id}/{person}")
        world.must("intake-1", ReplyGiven(person, objection_id, paper, text))


def investigate(world: World, objection_id: str, *, founded: bool) -> None:
    """Let the organiser report the findings."""
    reason = "经核实，反映的问题属实" if founded else "经核实，反映的问题不属实"
    findings = world.digest(f"findings/{objection_id}")
    world.must("organiser", ObjectionInvestigated(findings, founded, objection_id, reason))


def vote_on(world: World, objection_id: str, *, sustained: bool) -> None:
    """Let the leaders decide by name, with reasons."""
    matter_id = f"objection:{objection_id}"
    subjects = world.state.deliberation.matters[matter_id].subjects
    play_vote(world, matter_id, leaders(world), () if sustained else subjects, reasoned=True)
    close_vote(world, matter_id)


def decision(world: World, objection_id: str, person: str, *, sustained: bool) -> ObjectionDecided:
    """Return the decision on one candidate."""
    held = minutes(world, f"objection:{objection_id}")
    return ObjectionDecided(person, world.digest(f"findings/{objection_id}"), held, objection_id, sustained)


def answer(world: World, objection_id: str) -> None:
    """Give the filer the reasoned reply."""
    world.must("intake-1", ObjectionAnswered(objection_id, world.digest(f"answer/{objection_id}")))


def play_objection(world: World, *against: str, sustained: bool = True, anonymous: bool = False) -> str:
    """Play an objection to its answer; returns its id.

    A sustained one leaves its place vacant: `play_moved_up` goes on. An anonymous one ends as a lead.
    """
    objection_id = receive(world, *against, anonymous=anonymous)
    examine(world, objection_id, real_name=not anonymous)
    if not anonymous:
        hear(world, objection_id)
        investigate(world, objection_id, founded=sustained)
        about = world.state.notices.objections.by_id[objection_id].undecided(world.state.out)
        vote_on(world, objection_id, sustained=sustained)
        for person in about:
            world.must("organiser", decision(world, objection_id, person, sustained=sustained))
        answer(world, objection_id)
    return objection_id
