"""The rules, in the order of the notice. Start here: `CONTENTS` says what each clause asks, and which function does it.

Every module is plain values in, plain values out, by the standard library alone: no database, no clock, no signature.
Numbers, stages, bodies, dates and readings come from the programme file; ways of counting are functions with a version
(`approvals@1`). What a rule answers, it answers with its reasons. Who may do which act, and who signs with them, is
the table `acts.ACTS`.
"""

from typing import NamedTuple


class Clause(NamedTuple):
    """One line of the contents page: the clause's number, what it asks in our words, and the functions that do it."""

    number: str
    asks: str
    functions: tuple[str, ...]


CONTENTS = (
    Clause(
        "一",
        "发起部门共同组成领导小组;章程由各发起部门确认后方可开始;职责分离。",
        ("programme_value.problems", "programme_value.programme_from_value", "separation.conflict"),
    ),
    Clause("二", "名额、授予称号与次年的待遇。", ("vacancies.holders",)),
    Clause(
        "四",
        "单位在本地登记,至少符合一项条件,没有任何一项排除情形;逐项决定。",
        ("checklist.criteria_of", "checklist.eligibility_of", "checklist.joint_checks", "eligibility.screen"),
    ),
    Clause(
        "五",
        "各阶段依次进行;表决前先讨论,名单先冻结;抽签可以重做核对。",
        (
            "readings.undeclared",
            "programme_value.stages_touched",
            "programme_difference.difference",
            "draws.order",
            "ballots.list_hash",
        ),
    ),
    Clause(
        "五(一)",
        "专家分组评分并记名投票,按赞成票排名;每组名额随当年申报人数而定。",
        (
            "groups.group_shares",
            "scores.sheet_problems",
            "scores.mean_scores",
            "score_review.outliers",
            "counting.tally",
            "running_count.RunningCount",
            "ranking.rank",
            "cuts.cut",
        ),
    ),
    Clause("五(二)", "分行业再次评议、记名投票、排名。", ("groups.group_shares", "counting.tally", "ranking.rank")),
    Clause(
        "五(三)",
        "集体讨论后记名投票;初提人选比名额多三分之一,从高到低取足。",
        (
            "ballots.first_problem",
            "closing.quorum_problem",
            "closing.may_close_early",
            "counting.quorum_checks",
            "counting.balance_problems",
            "shortlist.shortlist_size",
            "cuts.cut",
        ),
    ),
    Clause(
        "五(四)",
        "初提人选交公众投票;公众票只用来分开同票;票数异常的,列出所涉选票供核查。",
        ("totals.totals_problem", "ranking.public_votes_key", "poll_patterns.patterns"),
    ),
    Clause(
        "五(五)",
        "评审机构再次记名投票,按赞成票取足名额;同票时公众票多者在前;其余为备选,次序就此固定。",
        ("ranking.rank", "ranking.public_votes_key", "cuts.runoff_needed", "cuts.runoffs_exhausted"),
    ),
    Clause(
        "五(六)",
        "考察、提出候选名单、领导小组审议;空缺由备选依次补足,补上的人同样考察、审议,再一并公示。",
        ("deliberating.has_objection", "steps.steps_before", "vacancies.next_alternate", "vacancies.fill_vacancies"),
    ),
    Clause(
        "五(七)",
        "公示若干个工作日;异议须实名、书面,经调查、听取本人意见后决定;补上的人另行公示。",
        (
            "workdays.WorkCalendar",
            "workdays.shortens",
            "notice.notice_clock",
            "notice.objection_timing",
            "hearing.heard",
            "deliberating.carried",
        ),
    ),
    Clause("五(八)", "公示无异议后报批,批准后命名。", ("steps.steps_before", "deliberating.carried")),
    Clause("六(二)", "逐级推荐;特殊情况可由协会、专家推荐或自荐。", ("formalities.lacking", "formalities.next_level")),
    Clause("六(三)", "申报材料。", ("formalities.missing_materials",)),
    Clause("七(二)", "单位先行初评,核对原件与复印件,签署意见并盖章。", ("formalities.lacking",)),
    Clause(
        "七(三)",
        "纪律:弄虚作假随时终止资格、追究责任;据以决定的材料须留存;回避与职责分离。",
        ("separation.conflict", "vacancies.next_alternate", "retention.retention_over"),
    ),
    Clause("七(四)", "申报时限与纸质材料份数,过期不予受理。", ("notice.in_time", "formalities.paper_complete")),
)
