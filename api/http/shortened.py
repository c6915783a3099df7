"""What everybody reads of a view: only what the procedure announces; the rest of it is for those who run it.

Who applied and who was left out, a result before it is certified, an objection that holds a notice up and the cause of
a vacancy are announced by nobody, or by somebody else; entries of these kinds are hidden from the public as well
(`projections.disclosure`).
"""

from dataclasses import replace

from ledger.procedure.programme import StageKind
from projections.ballots import RoundView
from projections.candidates import StageView
from projections.notices import NoticeView, PersonNotice
from projections.results import ResultStanding, ResultView
from projections.vacancies import HolderView, PlacesView

_PERSONAL = (StageKind.APPLICATIONS, StageKind.SCREENING)


def stage(view: StageView) -> StageView:
    """Return a stage without those who dropped out; of applications and screening only how far they are."""
    if view.kind in _PERSONAL:
        return replace(view, entered=(), taken=(), left=(), undecided=(), out=(), groups=())
    return replace(view, undecided=(), out=())


def played(view: RoundView, certified: bool) -> RoundView:
    """Return a round without its ballots, and with its lines once the result is certified."""
    return replace(view, ballots=(), lines=view.lines if certified else ())


def result(view: ResultView) -> ResultView:
    """Return a result as certified; of any other only how far it is."""
    certified = view.standing is ResultStanding.CERTIFIED
    rounds = tuple(played(one, certified) for one in view.rounds)
    if certified:
        return replace(view, rounds=rounds, removed=())
    return replace(
        view, rounds=rounds, rows=(), rows_root="", reasons=(), taken=(), left=(), tie=None, removed=(), means=()
    )


def notice(view: NoticeView) -> NoticeView:
    """Return a notice without the objections that hold it up."""
    return replace(view, people=tuple(_person(one) for one in view.people))


def _person(view: PersonNotice) -> PersonNotice:
    return replace(view, open_objections=())


def places(view: PlacesView) -> PlacesView:
    """Return the places without why somebody left one, or was passed over."""
    held = tuple(
        replace(one, holders=tuple(_holder(each) for each in one.holders), next_skipped=()) for one in view.places
    )
    return replace(view, places=held, alternates=tuple(replace(one, cause=None) for one in view.alternates))


def _holder(view: HolderView) -> HolderView:
    notice_of = None if view.notice is None else _person(view.notice)
    return replace(
        view, skipped=(), inspected=None, passed=None, inspector=None, agreed=None, notice=notice_of, cause=None
    )
