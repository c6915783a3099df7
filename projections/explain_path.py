"""A candidate's way before the votes and after them: application, screening; place, inspection, notice, naming.

Clauses four and six, then 五(六) to 五(八). Each sentence cites the entry that made it so.
"""

from collections.abc import Iterator

from ledger.procedure.eligibility import Outcome
from ledger.procedure.notice import NoticeStatus
from ledger.procedure.programme import StageKind
from ledger.procedure.vacancies import DropOut
from ledger.selection import Selection
from ledger.state.application_book import Application
from ledger.state.application_window import screening_stage
from ledger.state.deliberation_book import Matter
from ledger.state.screening import eligibility
from ledger.state.voters import PROPOSAL, governing
from projections.explain_seats import REASONS
from projections.secrecy import matter_readable
from projections.vacancies import HolderView, PlacesView, PlaceView, places
from projections.words import Sentence, Speaker

FILING, DELIBERATION, NOTICE, APPROVAL, AFTER = "六(二)", "五(六)", "五(七)", "五(八)", "七(三)"
_DECIDING = (Outcome.NOT_MET, Outcome.EXCLUDED, Outcome.SECOND_FACT_MISSING)


def applied(state: Selection, person: str, speaker: Speaker) -> Iterator[Sentence]:
    """Say how a person applied, and what became of each application."""
    own = [state.applications.by_id[one] for one in state.applications.by_person.get(person, ())]
    if not own:
        yield speaker.say(REASONS, "NO_APPLICATION", FILING, candidate=person)
    for application in own:
        yield speaker.say(
            REASONS, "APPLIED", FILING, application.index,
            candidate=person, application=application.application, at=application.at, way=speaker.way(application.way),
        )  # fmt: skip
        if application.refused is not None:
            yield speaker.say(
                REASONS, "APPLICATION_REFUSED", "七(四)1", application.index, application.refused,
                application=application.application,
            )  # fmt: skip
        elif application.late:
            yield speaker.say(REASONS, "APPLICATION_LATE", "七(四)1", application.index, at=application.at)
        if application.withdrawn is not None:
            yield speaker.say(REASONS, "APPLICATION_WITHDRAWN", FILING, application.withdrawn, candidate=person)


def screened(state: Selection, person: str, speaker: Speaker) -> Iterator[Sentence]:
    """Say what screening found: the conditions met, or what stands against the person, criterion by criterion."""
    application = state.applications.of_person(person)
    if application is None:
        return
    clause = screening_stage(state).clause
    if application.decision is None:
        yield speaker.say(REASONS, "NOT_SCREENED", clause, application.index, candidate=person)
        return
    code = "SCREENED_ELIGIBLE" if application.decision.eligible else "SCREENED_INELIGIBLE"
    yield speaker.say(REASONS, code, clause, application.decision.index, candidate=person)
    yield from _criteria(state, application, speaker)


def _criteria(state: Selection, application: Application, speaker: Speaker) -> Iterator[Sentence]:
    """Say which conditions were met where there were any, and everything that failed where the person may not stand."""
    eligible = application.decision is not None and application.decision.eligible
    wanted = (Outcome.MET,) if eligible else _DECIDING
    for line in eligibility(state, application).reasons:
        ruling = application.rulings.get(line.criterion)
        if line.outcome in wanted and ruling is not None:
            yield speaker.say(
                REASONS, "CRITERION_WAS", line.clause, ruling.index,
                criterion=speaker.criterion(line.criterion), outcome=line.outcome,
            )  # fmt: skip


def after_final(state: Selection, person: str, at: int, speaker: Speaker) -> Iterator[Sentence]:
    """Say what became of a nominee or alternate from the final order to the naming, at `at` (UTC ms)."""
    view = places(state, at)
    if view is None:
        return
    for place in view.places:
        for number, holder in enumerate(place.holders):
            if holder.person == person:
                yield from _holding(state, view, place, number, speaker)
    if not any(holder.person == person for place in view.places for holder in place.holders):
        yield from _waiting(state, view, person, speaker)
        return
    yield from _objections(state, person, speaker)
    yield from _named(state, person, speaker)


def _waiting(state: Selection, view: PlacesView, person: str, speaker: Speaker) -> Iterator[Sentence]:
    for one in view.alternates:
        if one.person == person:
            yield speaker.say(REASONS, "ALTERNATE_WAITS", DELIBERATION, view.fixed, candidate=person, order=one.order)


def _holding(state: Selection, view: PlacesView, place: PlaceView, number: int, speaker: Speaker) -> Iterator[Sentence]:
    holder = place.holders[number]
    if number == 0:
        yield speaker.say(REASONS, "NOMINEE", "五(五)", view.fixed, candidate=holder.person, seat=place.seat)
    else:
        yield from _moved_up(place, number, speaker)
    yield from _steps(state, holder, speaker)
    if holder.left is not None and holder.cause is not None:
        yield from _left(state, holder, place, speaker)


def _moved_up(place: PlaceView, number: int, speaker: Speaker) -> Iterator[Sentence]:
    holder, before = place.holders[number], place.holders[number - 1]
    if before.left is not None and before.cause is not None:
        yield speaker.say(
            REASONS,
            "PLACE_VACATED",
            DELIBERATION,
            before.left,
            person=before.person,
            seat=place.seat,
            cause=before.cause,
        )
    for one in holder.skipped:
        why = one.cause or one.reason
        yield speaker.say(REASONS, "ALTERNATE_SKIPPED", DELIBERATION, one.index, person=one.person, why=why)
    yield speaker.say(
        REASONS, "MOVED_UP", DELIBERATION, holder.since,
        candidate=holder.person, order=holder.alternate, seat=place.seat, person=before.person,
    )  # fmt: skip


def _steps(state: Selection, holder: HolderView, speaker: Speaker) -> Iterator[Sentence]:
    if holder.inspected is not None:
        code = "INSPECTION_PASSED" if holder.passed else "INSPECTION_FAILED"
        yield speaker.say(REASONS, code, DELIBERATION, holder.inspected, candidate=holder.person)
    yield from deliberated(state, holder.person or "", speaker)
    notice = holder.notice
    if notice is not None:
        code = "NOTICE_ELAPSED" if notice.status is NoticeStatus.ELAPSED else "NOTICE_RUNNING"
        yield speaker.say(
            REASONS, code, NOTICE, notice.index, candidate=holder.person, published=notice.published, days=notice.days,
            last_day=notice.last_day.isoformat(), left=notice.days_left,
        )  # fmt: skip


def deliberated(state: Selection, person: str, speaker: Speaker) -> Iterator[Sentence]:
    """Say how the leadership group voted on a person; while the vote runs, only how many have voted."""
    reading = governing(state, StageKind.DELIBERATION).reading("deliberation_rule") or "majority"
    for matter in state.deliberation.matters.values():
        if not matter.id.startswith(f"{PROPOSAL}:") or person not in matter.subjects:
            continue
        if not matter_readable(matter):
            yield speaker.say(
                REASONS, "DELIBERATION_RUNNING", DELIBERATION, matter.opened, candidate=person, voted=len(matter.votes)
            )
            continue
        yield _vote(matter, person, "AGREED" if person in matter.carried else "OBJECTED", speaker, reading)


def _vote(matter: Matter, person: str, code: str, speaker: Speaker, reading: str) -> Sentence:
    tally = matter.tally(person)
    closed = [matter.closed] if matter.closed is not None else []
    votes = (vote.index for vote in matter.votes.values())
    return speaker.say(
        REASONS, code, DELIBERATION, matter.opened, *votes, *closed,
        candidate=person, agree=tally.agree, against=tally.against, reading=speaker.reading(reading),
    )  # fmt: skip


def _left(state: Selection, holder: HolderView, place: PlaceView, speaker: Speaker) -> Iterator[Sentence]:
    yield dropped_out(state, holder.person or "", speaker)
    if place.next_alternate is not None and place.holders[-1] is holder:
        yield speaker.say(
            REASONS, "PLACE_WAITS", DELIBERATION, holder.left or 0, seat=place.seat, person=place.next_alternate
        )


def dropped_out(state: Selection, person: str, speaker: Speaker) -> Sentence:
    """Say by which entry and why a person dropped out; for an objection, after hearing and vote."""
    out = state.out[person]
    entries = [out.index]
    if out.cause is DropOut.STRUCK_OFF:
        for objection in state.notices.objections.by_id.values():
            ruling = objection.rulings.get(person)
            if ruling is not None and ruling.index == out.index:
                entries += [objection.index, *(one.index for one in objection.hearings.values())]
    return speaker.say(REASONS, "DROPPED_OUT_BY", AFTER, *entries, candidate=person, cause=out.cause, index=out.index)


def _objections(state: Selection, person: str, speaker: Speaker) -> Iterator[Sentence]:
    for one in state.notices.objections.by_id.values():
        if person not in one.against or one.lead:
            continue
        ruling = one.rulings.get(person)
        code = (
            "OBJECTION_OPEN" if ruling is None else "OBJECTION_SUSTAINED" if ruling.sustained else "OBJECTION_UNFOUNDED"
        )
        decided = [ruling.index] if ruling else []
        yield speaker.say(REASONS, code, NOTICE, one.index, *decided, candidate=person, number=one.number)


def _named(state: Selection, person: str, speaker: Speaker) -> Iterator[Sentence]:
    for submission in state.naming.submissions.values():
        if person in submission.candidates and submission.decided is not None:
            code = "APPROVED_BY_CHAIRS" if submission.approved else "NOT_APPROVED_BY_CHAIRS"
            yield speaker.say(REASONS, code, APPROVAL, submission.index, submission.decided, candidate=person)
    titles = state.naming.titles
    if titles is not None and person in titles.candidates:
        yield speaker.say(REASONS, "NAMED_BY", APPROVAL, titles.index, candidate=person)
    if person in state.naming.revoked:
        yield speaker.say(REASONS, "REVOKED_BY", AFTER, state.naming.revoked[person], candidate=person)
