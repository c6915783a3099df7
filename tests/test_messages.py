"""The sentences for people: both languages know the same, every code of the source has one, and none ever fails."""

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import api
import ledger
import projections
from ledger.errors import MalformedError
from ledger.messages import LANGUAGES, SECTIONS, catalogue, codes, disagreements, text
from ledger.procedure.counting import BalanceFault
from ledger.procedure.draws import DrawFault
from ledger.procedure.eligibility import Outcome
from ledger.procedure.groups import ImpossibleReason, ShareReason
from ledger.procedure.notice import NoticeStatus, ObjectionTiming
from ledger.procedure.ranking import DecidedBy
from ledger.procedure.scores import ScoreFault
from ledger.procedure.vacancies import DropOut, SkipReason

# Every answer of the catalogue of disputes that reaches a person.
DISPUTED = set(
    re.findall(
        r"\w+",
        """
        ALREADY_VOTED ALREADY_VOTED_PUBLIC ALTERNATE_SKIPPED APPLICATION_UNDECIDED ATTACHMENT_FROZEN
        ATTACHMENT_MISMATCH BACKDATED BALANCE_MISMATCH BURST CALENDAR_SHORTENS CALENDAR_UNKNOWN CHALLENGE_FAILED
        CLOCK_REGRESSION CLOCK_SKEW DEADLINE_PASSED DECIDER_CONFLICT DOUBLE_ROLE DUPLICATE_APPLICANT
        DUPLICATE_CHOICE DUPLICATE_KEY DUPLICATE_MEMBER EARLY_CLOSE ENROLMENT_NEEDS_TWO EVENT_ALTERED EVENT_MISSING
        EXPERT_OFF_ORDER EXPORT_INCOMPLETE FINDING_OPEN FORCED_RECUSAL GRANT_IN_OPEN_STAGE GROUPING_FROZEN
        HISTORY_REWRITTEN IDEMPOTENCY_CONFLICT INADMISSIBLE KEY_REVOKED KEY_SUSPECT KEY_USED_FROM_ADMIN LATE_KEYING
        LATE_OBJECTION LOG_TRUNCATED NOTICE_INTERRUPTED NOTICE_NOT_ELAPSED NOT_AUTHORISED NOT_BALLOT_OWNER
        NOT_CANONICAL NOT_NEXT_ALTERNATE NOT_ON_ROSTER NO_APPLICANT_CONSENT NO_DECLARATION NO_QUORUM OBJECTION_OPEN
        OVERVOTE PAPER_BALLOT PENDING_SUBMISSIONS PIN_INVALID POSSIBLE_DUPLICATE PREREQUISITE_MISSING
        PRESENCE_BY_PROXY PROJECTION_DRIFT PUBLIC_NOT_CERTIFIED QUORUM_LOST_BY_RECUSAL QUOTA_DERIVATION QUOTA_FROZEN
        QUOTA_SUM RATE_LIMITED REASON_REQUIRED RECEIPT_NOT_INCLUDED RECUSED REMOVAL_CHANGES_CUTOFF REPEATED_VOTE
        REPLAY_DIVERGES RESULT_NOT_DERIVED REVISED_AFTER_REVEAL ROLE_CONFLICT ROLLBACK_DETECTED RULES_CHANGED
        RULES_FROZEN RULES_HASH_MISMATCH RULE_NOT_DECLARED_BEFORE RULE_UNDECLARED SCOPE_NOT_GENERAL SCORE_INVALID
        SCORE_OUTLIER SCORING_INCOMPLETE SCREENER_CONFLICT SCREENING_INCOMPLETE SCRUTINEER_CONFLICT
        SCRUTINEER_MISSING SEATS_EXCEEDED SECOND_AUDITOR_NEEDED SERIES_BREAK SHEETS_IDENTICAL SPLIT_VIEW
        STAGE_CLOSED STAGE_NOT_OPEN STALE_VIEW STORE_UNAVAILABLE TIE_UNRESOLVED TOP_RANK_REMOVED UNCONFIRMED
        UNDECLARED_CONFLICT UNKNOWN_CANDIDATE UNVERIFIABLE_SOURCE WITHDRAWN_OBJECTION WRONG_CONTEXT
        """,
    )
)

CODED = re.compile(
    r"""(?: refuse | Refusal | (?:File)?Problem | findings\.add | (?:Malformed|Verification|Conflict|Store)Error )
        \(\s*"([A-Z][A-Z_]+)" """,
    re.VERBOSE,
)


def codes_in_source() -> set[str]:
    rooms = [Path(package.__file__ or "").parent for package in (ledger, projections, api)]
    return {
        code
        for room in rooms
        for file in room.rglob("*.py")
        for code in CODED.findall(file.read_text(encoding="utf-8"))
    }


def test_the_two_languages_agree() -> None:
    assert disagreements(catalogue()) == ()
    assert set(catalogue()) == set(LANGUAGES)
    assert all(codes(section) for section in SECTIONS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_sentence(language: str) -> None:
    known = {code for table in catalogue()[language].values() for code in table}
    assert DISPUTED - known == set()
    assert codes_in_source() - known == set()
    assert len(codes_in_source()) > 100


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_that_a_rule_gives_as_reason_has_words(language: str) -> None:
    reasons = [
        DecidedBy,
        ShareReason,
        ImpossibleReason,
        Outcome,
        DropOut,
        SkipReason,
        DrawFault,
        ScoreFault,
        BalanceFault,
    ]
    for kind in reasons:
        assert [item.value for item in kind if item.value not in catalogue()[language]["reasons"]] == []
    for status in (NoticeStatus, ObjectionTiming):
        assert [item.value for item in status if item.value not in catalogue()[language]["status"]] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("section", ["refusals", "findings", "errors", "programme"])
def test_sentences_end_and_leave_no_stray_brace(language: str, section: str) -> None:
    for code, sentence in catalogue()[language][section].items():
        assert sentence.endswith("。" if language == "zh" else "."), code
        assert "{" not in text(code, {}, language, section=section), code


def test_facts_are_filled_in_and_a_missing_one_shows_as_its_name() -> None:
    facts: dict[str, str | int] = {"endorsed": 3, "sponsors": 5}
    assert text("CHARTER_NOT_ENDORSED", facts, "zh") == (
        "章程尚未由全部主办部门签署（已签 3，共 5），暂不能办理其他事项。"
    )
    assert text("CHARTER_NOT_ENDORSED", {"endorsed": 3}, "en") == (
        "Not all sponsors have endorsed the charter (3 of sponsors); nothing else is admitted yet."
    )
    assert text("UNKNOWN_ROLE", {"role": "{held}"}, "en") == "There is no such role: {held}."


def test_an_unknown_code_is_its_own_text_and_an_unknown_language_is_chinese() -> None:
    assert text("NEVER_HEARD", {"a": 1}, "en") == "NEVER_HEARD"
    assert text("QUOTA_SUM", {}, "fr") == text("QUOTA_SUM", {}, "zh")


def test_the_same_code_may_be_a_refusal_and_a_finding() -> None:
    refusal, finding = (text("EARLY_CLOSE", {}, "en", section=section) for section in ("refusals", "findings"))
    assert refusal != finding
    assert text("EARLY_CLOSE", {}, "en") == refusal
    assert text("EARLY_CLOSE", {}, "en", section="elsewhere") == refusal


@pytest.mark.parametrize(
    ("fact", "expected"),
    [(1666627200000, "2022-10-25 00:00+08:00"), ("24日", "24日"), (10**18, str(10**18)), (-(10**18), str(-(10**18)))],
)
def test_instants_show_as_civil_time(monkeypatch: pytest.MonkeyPatch, fact: str | int, expected: str) -> None:
    tables = {section: {"X": "{at:time}"} for section in SECTIONS}
    monkeypatch.setattr("ledger.messages.catalogue", lambda: {"zh": tables, "en": tables})
    assert text("X", {"at": fact}, "zh", offset_minutes=480) == expected


def test_files_that_disagree_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.messages.disagreements", lambda read: ("status.A",))
    with pytest.raises(MalformedError, match=r"MESSAGES_DISAGREE \(where=status\.A\)"):
        catalogue.__wrapped__()


def test_disagreements_are_named() -> None:
    same = {section: {"A": "{x} {y}"} for section in SECTIONS}
    assert disagreements({"zh": same, "en": same}) == ()
    assert disagreements({"zh": same, "en": same | {"status": {"A": "{y}, {x}"}}}) == ()
    assert disagreements({"zh": same, "en": same | {"status": {"A": "{x}"}}}) == ("status.A",)
    assert disagreements({"zh": same, "en": same | {"status": {"A": "{x:time} {y}"}}}) == ("status.A",)
    assert disagreements({"zh": same, "en": same | {"status": {}}}) == ("status.A",)
    assert disagreements({"zh": same, "en": same | {"others": {}}}) == ("others",)
    assert disagreements({"zh": {}, "en": same}) == tuple(sorted(SECTIONS))


@given(
    st.sampled_from(sorted(DISPUTED | {"PROGRAMME_OUT_OF_RANGE", "STATEMENT_TOO_LARGE", "nothing"})),
    st.dictionaries(st.sampled_from(["value", "least", "stage", "bytes"]), st.text(string.printable) | st.integers()),
    st.sampled_from([*LANGUAGES, "", "de"]),
)
def test_no_facts_ever_make_it_fail(code: str, facts: dict[str, str | int], language: str) -> None:
    assert text(code, facts, language)
