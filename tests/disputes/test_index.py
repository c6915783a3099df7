"""All 114 disputes: for each the test that makes the manipulation, or what a later release is about."""

import importlib
import re
from pathlib import Path

import pytest

import tests

CATALOGUE = {"A": 11, "B": 12, "C": 7, "D": 19, "E": 12, "F": 12, "G": 15, "H": 26}
"""Sections of the catalogue and how many rows each has."""

HERE: dict[str, tuple[str, ...]] = {
    "disputes.test_section_1": (
        "test_A01_a_late_application_is_an_entry_and_nothing_later_is_done_with_it",
        "test_A02_the_deadline_is_extended_for_all_or_for_nobody",
        "test_A03_material_is_frozen_after_the_deadline",
        "test_A04_one_person_in_two_ways_counts_once",
        "test_A05_two_people_of_one_name_are_two",
        "test_A06_screening_does_not_end_with_an_open_criterion",
        "test_A07_nobody_is_dropped_without_a_decision_reason_and_notice",
        "test_A08_a_screener_of_the_applicants_unit_is_a_breach_and_needs_a_second",
        "test_A09_a_unit_recommends_by_its_own_signature_or_is_entered_from_paper_by_two",
        "test_A10_an_application_in_someones_name_is_confirmed_by_them_or_goes_nowhere",
        "test_A11_only_the_applicant_withdraws",
    ),
    "disputes.test_section_2": (
        "test_B01_groups_are_frozen_with_the_first_score",
        "test_B02_seats_are_what_the_rule_gives_and_frozen_with_the_first_score",
        "test_B03_the_seats_of_all_groups_are_the_total_whatever_applied",
        "test_B04_a_draw_is_repeated_by_anyone_and_a_seat_out_of_its_order_is_a_breach",
        "test_B05_nobody_sits_in_two_bodies_or_groups",
        "test_B06_one_id_number_is_one_member",
        "test_B07_a_recused_member_neither_scores_nor_votes_for_or_against",
        "test_B08_who_declares_nothing_does_not_score_and_a_hidden_employer_is_shown",
        "test_B09_a_recusal_by_others_needs_reason_and_notice_and_is_shown",
        "test_B10_a_quorum_lost_by_recusals_is_noticed_per_candidate",
        "test_B11_a_substitute_sits_by_amendment_before_the_round_or_not_at_all",
    ),
    "disputes.test_section_3": (
        "test_C01_one_favourite_and_all_others_at_sixty_is_shown_with_the_rank_without_that_expert",
        "test_C02_a_score_revised_after_the_reveal_is_a_breach_and_the_old_one_is_kept",
        "test_C03_a_score_outside_its_range_or_incomplete",
        "test_C04_a_score_by_other_weights_than_the_stage_opened_with",
        "test_C05_two_experts_with_the_same_sheets_are_shown",
        "test_C06_the_order_of_entries_with_equal_content_leaves_no_trace",
        "test_C07_scoring_closes_only_when_whoever_came_has_scored_everybody",
    ),
    "disputes.test_section_4": (
        "test_D02_a_member_votes_once",
        "test_D03_the_same_counter_with_another_content",
        "test_D04_of_two_devices_only_the_first_counts",
        "test_D05_before_opening_and_after_closing",
        "test_D06_too_many_unknown_or_twice",
        "test_D07_a_ballot_of_another_stage_year_or_attempt",
        "test_D08_staff_cannot_vote_for_a_member",
        "test_D09_only_the_member_disowns_a_ballot_and_it_stays",
        "test_D10_the_bytes_signed_name_what_was_chosen",
        "test_D11_no_round_opens_without_a_quorum_of_members_who_came",
        "test_D12_below_quorum_a_round_does_not_close_and_is_voted_again",
        "test_D13_a_balance_that_does_not_come_out",
        "test_D14_opening_ballots_before_the_close_is_on_the_record",
        "test_D15_no_early_close_while_somebody_present_has_not_voted",
        "test_D16_voting_again_and_again_is_a_breach_and_everything_is_kept",
        "test_D17_the_order_on_the_list_is_declared_or_drawn",
        "test_D18_a_scrutineer_close_to_the_body_or_a_candidate",
        "test_D19_a_removal_leaves_the_ballots_and_shows_whom_it_lets_in",
        "test_H04_a_new_key_gives_no_second_ballot",
        "test_H18_a_ballot_that_is_still_on_its_way_stops_the_close",
    ),
    "disputes.test_section_5a": (
        "test_E01_nobody_types_a_result",
        "test_E02_thirteen_instead_of_fourteen",
        "test_E03_the_public_votes_order_equals_and_the_explanation_says_so",
        "test_E04_public_totals_never_reorder_different_approvals",
        "test_E05_a_tie_on_both_keys_is_no_result",
    ),
    "disputes.test_section_5b": (
        "test_E06_no_name_moves_up_but_the_next_one_in_the_fixed_order",
        "test_E07_an_alternate_is_passed_over_only_on_their_own_word_or_a_failed_inspection",
        "test_E08_vacancies_are_filled_one_after_another_and_nobody_twice",
        "test_E09_who_was_struck_off_is_passed_over_by_derivation_with_the_reason",
        "test_E10_nobody_moves_up_without_inspection_and_consent",
        "test_E11_more_people_than_seats_are_neither_submitted_nor_named",
        "test_E12_an_objection_of_the_group_needs_reasons_names_and_minutes",
    ),
    "disputes.test_section_6": (
        "test_F01_a_burst_is_found_with_its_rows_and_its_votes_are_kept",
        "test_F02_a_series_that_breaks_names_window_candidate_and_rows",
        "test_F03_votes_are_left_out_by_a_rule_from_before_by_two_and_come_back",
        "test_F04_votes_left_out_leave_the_candidate_where_they_were",
        "test_F05_a_credential_votes_once_and_only_if_it_was_committed_to",
        "test_F06_a_retry_and_a_second_door_count_once",
        "test_F07_who_gives_ballots_types_no_totals",
        "test_F08_totals_are_what_the_ballots_give_and_change_no_more",
        "test_F09_a_receipt_proves_the_row_and_shows_no_choice",
    ),
    "disputes.test_section_6b": (
        "test_B12_a_roster_is_read_by_role_alone_before_its_stage_opens_and_every_reading_is_recorded",
        "test_H25_whoever_reads_named_ballots_or_everything_says_why_and_stays_on_record",
    ),
    "disputes.test_section_6d": ("test_F10_a_receipt_whose_entry_is_gone_proves_the_operators_fault",),
    "disputes.test_section_6e": ("test_F11_the_order_is_drawn_and_turned_so_that_everybody_stands_first_alike",),
    "disputes.test_section_7": (
        "test_G01_the_notice_lasts_five_working_days_whatever_the_calendar",
        "test_G03_a_calendar_may_lengthen_a_notice_and_never_shorten_it",
        "test_G04_an_objection_cannot_be_dropped_silently",
        "test_G06_an_anonymous_objection_is_a_lead_and_holds_nothing_up",
        "test_G07_when_an_objection_came_is_decided_by_the_ledger_or_by_two_who_attest_it",
        "test_G08_nobody_is_struck_off_without_findings_hearing_and_named_votes",
        "test_G09_nobody_decides_about_themselves_or_their_unit",
        "test_G10_whoever_moves_up_has_their_own_days_and_the_others_wait",
        "test_G11_the_last_millisecond_is_in_time_the_next_is_late",
        "test_G12_a_withdrawal_is_the_filers_own_and_is_shown",
        "test_G13_what_is_approved_and_named_is_the_list_after_the_notice",
        "test_G14_a_revocation_is_an_event_of_its_own_and_history_stays",
    ),
    "disputes.test_section_7b": (
        "test_G02_a_notice_taken_down_for_two_days_is_a_breach_that_cites_the_looks_around_the_gap",
        "test_G15_a_forged_certificate_or_one_with_other_names_is_not_in_the_log",
    ),
    "disputes.test_section_8a": (
        "test_H02_what_a_stolen_key_signed_is_suspect_and_it_signs_no_more",
        "test_H03_a_revocation_dated_back_voids_nothing",
        "test_H05_nobody_signs_as_somebody_else",
        "test_H06_nobody_gives_themselves_an_auditors_role",
        "test_H12_an_act_dated_back_stands_where_it_was_sequenced",
        "test_H13_the_clock_never_goes_back_in_the_log",
        "test_H14_rules_are_frozen_once_their_stage_has_begun",
        "test_H15_a_result_that_no_longer_follows_is_a_breach_and_blocks_the_next",
        "test_H24_a_payload_has_one_spelling",
    ),
    "disputes.test_section_8e": ("test_H10_a_restored_backup_takes_no_writes_until_all_that_was_promised_is_back",),
    "log.test_kill": ("test_H19_every_receipt_given_before_a_kill_is_in_the_log",),
    "disputes.test_section_8h": (
        "test_H11_two_histories_of_one_log_are_shown_by_its_own_two_signatures",
        "test_H22_a_part_that_is_missing_is_named_whatever_the_manifest_says",
    ),
    "disputes.test_section_8i": (
        "test_H01_nobody_enrols_alone_and_a_key_first_used_from_an_admins_session_is_a_breach",
    ),
    "disputes.test_section_8b": ("test_H26_a_breach_is_closed_by_two_auditors_with_reason",),
    "disputes.test_section_8f": (
        "test_D01_a_ballot_edited_in_the_database_is_named_with_the_hash_it_had",
        "test_H07_a_row_changed_or_deleted_is_named_and_nothing_more_is_written",
        "test_H08_a_whole_history_rewritten_and_signed_again_contradicts_members_and_witnesses",
        "test_H09_the_last_ballots_cut_off",
    ),
    "disputes.test_section_8g": (
        "test_G05_who_objects_is_read_by_discipline_alone_with_a_reason_and_on_the_record",
        "test_H21_personal_data_is_erased_with_its_salt_and_everything_else_still_verifies",
    ),
    "disputes.test_section_6c": (
        "test_F12_an_outage_seen_from_outside_is_on_record_and_gives_time_to_all_or_to_nobody",
        "test_H20_a_stopped_database_gives_no_receipt_and_the_service_recovers_by_itself",
    ),
}
"""Module below `tests`, and its first test of each row; others of the same row stand beside it."""

LATER: dict[str, tuple[str, ...]] = {
    "Import of tables, and projections as tables": ("H16", "H17", "H23"),
}
"""What later releases are about, and the rows that belong to it; parts of some are tested already."""

NAMED = re.compile(r"^(?:async )?def test_([A-H]\d\d)_", re.MULTILINE)


def every_row() -> list[str]:
    """The ids of all rows."""
    return [f"{section}{number:02d}" for section, rows in CATALOGUE.items() for number in range(1, rows + 1)]


def row_of(test: str) -> str:
    """The id that a test's name begins with."""
    return test.removeprefix("test_")[:3]


def test_every_row_has_a_test_or_a_later_release() -> None:
    here = [row_of(test) for names in HERE.values() for test in names]
    later = [row for rows in LATER.values() for row in rows]
    assert sorted([*here, *later]) == sorted(every_row())
    assert len(every_row()) == 114


@pytest.mark.parametrize(("module", "test"), [(module, test) for module, names in HERE.items() for test in names])
def test_the_test_is_there(module: str, test: str) -> None:
    assert callable(getattr(importlib.import_module(f"tests.{module}"), test))


def test_no_test_is_named_after_a_row_that_does_not_exist() -> None:
    files = Path(tests.__file__ or "").parent.rglob("test_*.py")
    named = {row for file in files for row in NAMED.findall(file.read_text(encoding="utf-8"))}
    assert named <= set(every_row())
    assert {row_of(test) for names in HERE.values() for test in names} <= named
