"""The play of 批准命名 and of the year after: second joint check, submission, approval, naming, conferral, benefits."""

from api.rehearsal.driver import World
from api.rehearsal.steps_deliberation import chairs, minutes, play_vote
from api.rehearsal.steps_stages import enter, leave, programme_of
from ledger.nominees import list_hash, to_approve
from ledger.procedure.notice import civil_date, instant
from ledger.procedure.programme import StageKind
from ledger.statements.naming import (
    ApprovalDecided,
    ApprovalSubmitted,
    BenefitApplied,
    BenefitGranted,
    BenefitInspected,
    TitlesConferred,
    TitlesNamed,
)
from ledger.statements.screening import DepartmentReplied


def play_rechecks(world: World) -> None:
    """Let the departments clear again every exclusion of everybody who is to be approved."""
    department = programme_of(world).sponsors[0]
    today = civil_date(world.now, world.offset_minutes).isoformat()
    for person in to_approve(world.state):
        application = world.state.applications.of_person(person)
        for criterion in world.state.applications.recheck_missing(person) if application else ():
            document = world.digest(f"recheck/{person}/{criterion}")
            filed = application.application if application else ""
            world.must(
                "organiser", DepartmentReplied(filed, True, criterion, today, department, document, recheck=True)
            )


def submission(world: World, **changes: object) -> ApprovalSubmitted:
    """Return the submission of the derived list."""
    candidates = to_approve(world.state)
    values: dict[str, object] = {
        "candidates": candidates,
        "list_hash": list_hash(candidates),
        "submission": f"submission-{len(world.state.naming.submissions) + 1}",
    }
    return ApprovalSubmitted(**(values | changes))  # type: ignore[arg-type]


def play_submission(world: World) -> str:
    """Let a leader submit; returns the submission's id."""
    body = submission(world)
    world.must("leader-01", body)
    return body.submission


def play_approval(world: World, *, approved: bool = True) -> str:
    """Open the stage, check again, submit, and let the chairs decide by name; returns the id of the submission."""
    enter(world, StageKind.APPROVAL)
    play_rechecks(world)
    submitted = play_submission(world)
    matter_id = f"approval:{submitted}"
    play_vote(world, matter_id, chairs(world), () if approved else (submitted,))
    world.must("chair-01", ApprovalDecided(approved, minutes(world, matter_id), submitted))
    return submitted


def naming(world: World, **changes: object) -> TitlesNamed:
    """Return the naming of the approved list."""
    last = world.state.naming.last
    candidates = last.candidates if last else ()
    values: dict[str, object] = {
        "candidates": candidates,
        "document": world.digest("naming-document"),
        "list_hash": list_hash(candidates),
    }
    return TitlesNamed(**(values | changes))  # type: ignore[arg-type]


def play_naming(world: World, *, close: bool = True) -> int:
    """Let the organiser name and all sponsors confer; returns the entry of the naming."""
    named = world.must("organiser", naming(world))
    first, *others = [f"sponsor-{office}" for office in programme_of(world).sponsors]
    world.cosign(world.must(first, TitlesConferred(world.digest("conferral-document"), named.index)), *others)
    if close:
        leave(world, StageKind.APPROVAL)
    return named.index


def next_year(world: World) -> int:
    """Move on to the year after the naming; returns that year."""
    titles = world.state.naming.titles
    year = civil_date(titles.at if titles else world.now, world.offset_minutes).year + 1
    world.now = max(world.now, instant(civil_date(0, 0).replace(year=year, month=3, day=1), world.offset_minutes))
    return year


def play_aftermath(world: World, *persons: str) -> None:
    """Give every benefit of the programme to these people (by default to the first who was named) in the year after."""
    enter(world, StageKind.AFTERMATH)
    year = next_year(world)
    titles = world.state.naming.titles
    for person in persons or (titles.candidates[:1] if titles else ()):
        for benefit in programme_of(world).benefits:
            play_benefit(world, benefit.id, person, year)


def play_benefit(world: World, benefit_id: str, person: str, year: int) -> None:
    """Apply and inspect where the programme asks for it, and grant one benefit to one person."""
    titles = world.state.naming.titles
    naming_index = titles.index if titles else 0
    benefit = next(one for one in programme_of(world).benefits if one.id == benefit_id)
    if benefit.on_application:
        world.must(world.alias_of(person), BenefitApplied(benefit_id, naming_index))
    if benefit.inspected:
        report = world.digest(f"benefit/{benefit_id}/{person}")
        world.must("inspector-1", BenefitInspected(benefit_id, person, True, report))
    reason = "符合条件"
    world.must("organiser", BenefitGranted(benefit_id, person, benefit.grant_cents, naming_index, reason, year))
