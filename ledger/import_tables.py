"""The tables in which a selection held elsewhere comes in: every column, its type, and what it means, in zh and en.

What readers of files, templates, documentation, statements and folds know of a column they know from here. Rows are
facts that somebody wrote down; nothing that follows from them (seats, rankings, who was named) has a column.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ledger.import_cells import (
    CellFault,
    Cells,
    CellType,
    Column,
    Line,
    Source,
    Table,
    cell_fault,
    row_faults,
    row_leaf,
)
from ledger.procedure.vacancies import DropOut

__all__ = [
    "AGREED", "DECISION", "DECISION_KINDS", "ELIGIBLE", "LOT", "NO", "OBJECTION_DISMISSED", "PLACE_FILLED",
    "REQUIRED_TABLES", "STANDINGS", "TABLES", "YES", "CellFault", "CellType", "Cells", "Column", "Line", "Source",
    "Table", "cell_fault", "row_faults", "row_leaf",
]  # fmt: skip

_C = CellType


def _id(name: str, zh: str, en: str, *, required: bool = True) -> Column:
    return Column(name, _C.ID, required, zh, en)


def _ids(name: str, zh: str, en: str) -> Column:
    return Column(name, _C.IDS, False, zh, en)


def _number(name: str, zh: str, en: str, *, required: bool = False) -> Column:
    return Column(name, _C.INTEGER, required, zh, en)


def _at(name: str, zh: str, en: str, *, required: bool = False) -> Column:
    return Column(name, _C.INSTANT, required, zh, en)


def _choice(name: str, words: tuple[str, ...], zh: str, en: str, *, required: bool = True) -> Column:
    return Column(name, _C.CHOICE, required, zh, en, words)


def _private(name: str, zh: str, en: str, *, required: bool = False) -> Column:
    return Column(name, _C.TEXT, required, zh, en, private=True)


YES, NO = "yes", "no"
ELIGIBLE = "eligible"
STANDINGS = (ELIGIBLE, "ineligible", "late", "incomplete", "duplicate")
PLACE_FILLED, AGREED, OBJECTION_DISMISSED = "place_filled", "agreed", "objection_dismissed"
DECISION_KINDS = (*(cause.value for cause in DropOut), PLACE_FILLED, AGREED, OBJECTION_DISMISSED)
DECISION, LOT = "decision", "lot"

_STAGE = _id("stage", "程序文件中的阶段编号", "stage id of the programme file")
_GROUP = _id("group", "分组编号；不分组的阶段留空", "group id; empty where the stage has no groups", required=False)
_ROUND = _id("round", "投票轮次编号", "id of the round of voting")
_MEMBER = _id("member", "评委编号", "id of the member of the body")
_CANDIDATE = _id("candidate", "候选人编号（即申报人的人员编号）", "candidate: the applicant's person id")

_LISTED = (
    Table(
        "people",
        "人员：申报人与评委，每人一行",
        "People: applicants and members, one row each",
        (
            _id("person", "人员编号，固定不变，不得是姓名或证件号码", "a fixed id; never a name or an ID number"),
            _private(
                "name", "姓名；只用于核对，不进入账本", "name; for checking only, never in the log", required=True
            ),
            _private("id_number", "证件号码；只用于核对，不进入账本", "ID number; for checking only, never in the log"),
            Column("unit", _C.TEXT, False, "单位", "unit"),
            Column("identity", _C.DIGEST, False, "证件号码的加密摘要", "keyed hash of the ID number"),
        ),
        ("person",),
    ),
    Table(
        "applications",
        "申报：每份一行",
        "Applications, one row each",
        (
            _id("application", "申报编号", "id of the application"),
            _id("person", "申报人的人员编号", "the applicant's person id"),
            _id("occupation", "职业（工种）编号", "occupation, as the programme's groups cover it", required=False),
            _id("industry", "行业编号", "industry, as the programme's groups cover it", required=False),
            _choice(
                "standing",
                STANDINGS,
                "审核结论：eligible 合格，ineligible 不合格，late 逾期，incomplete 材料不全，duplicate 重复",
                "outcome of the screening",
            ),
            _at("filed_at", "申报时间", "when it was filed"),
        ),
        ("application",),
    ),
    Table(
        "groups",
        "分组：仅当不按程序文件的职业或行业分组时填写",
        "Groups: only where a candidate is not in the group that the programme's coverage gives",
        (_STAGE, _CANDIDATE, _id("group", "分组编号", "group id")),
        ("stage", "candidate"),
    ),
    Table(
        "draws",
        "名额余数相同时事先抽定的分组先后",
        "The order of groups drawn beforehand, for equal remainders of seats",
        (
            _STAGE,
            _number("position", "抽定的次序，从 1 起", "place drawn, from 1", required=True),
            _id("group", "分组编号", "group id"),
        ),
        ("stage", "position"),
    ),
    Table(
        "rosters",
        "评审机构名册：每名评委在每个阶段（每个组）一行",
        "Rosters: one row for each member of a stage's body or group",
        (_STAGE, _GROUP, _MEMBER),
        ("stage", "group", "member"),
    ),
    Table(
        "recusals",
        "回避：每名评委对每名候选人一行",
        "Recusals: one row for each member and candidate",
        (
            _STAGE,
            _MEMBER,
            _CANDIDATE,
            _at("declared_at", "回避生效时间；留空即自始回避", "from when; empty: from the beginning"),
        ),
        ("stage", "member", "candidate"),
    ),
    Table(
        "attendance",
        "到会：到会评委每人一行；某次会议没有任何一行时不核对到会",
        "Attendance: one row for each member present; a session without any row is not checked for it",
        (_STAGE, _GROUP, _MEMBER),
        ("stage", "group", "member"),
    ),
    Table(
        "rounds",
        "投票轮次：每轮一行",
        "Rounds of voting, one row each",
        (
            _ROUND,
            _STAGE,
            _GROUP,
            _number(
                "runoff",
                "0 或留空为全体候选人投票，1 起为加投的次序",
                "number of the run-off; 0 or empty: the whole list",
            ),
            _choice(
                "counts",
                (YES, NO),
                "no 表示该轮已重新投票、不计入；留空即 yes",
                "no: was voted again and does not count; empty: yes",
                required=False,
            ),
            _at("opened_at", "开始时间", "when it opened"),
            _at("closed_at", "结束时间", "when it closed"),
            _number("issued", "发出票数", "ballots issued"),
            _number("returned", "收回票数", "ballots returned"),
            _number("void", "废票数", "void ballots"),
        ),
        ("round",),
    ),
    Table(
        "candidates",
        "选票所列候选人：留空则按程序推定；填写后与推定不符之处会逐一指出",
        "Candidates as the ballots listed them; without rows as derived; a difference from that is reported",
        (_ROUND, _CANDIDATE),
        ("round", "candidate"),
    ),
    Table(
        "scores",
        "评分：每名评委对每名候选人的每个评分项一行",
        "Scores: one row for each member, candidate and criterion",
        (
            _STAGE,
            _MEMBER,
            _CANDIDATE,
            _id("item", "评分项编号", "criterion id of the programme"),
            Column("points", _C.HUNDREDTHS, True, "得分，至多两位小数", "points, at most two decimals"),
        ),
        ("stage", "member", "candidate", "item"),
    ),
    Table(
        "ballots",
        "选票：每票一行；三栏均未列出的候选人视为弃权",
        "Ballots, one row each; a candidate in none of the three columns is an abstention",
        (
            _ROUND,
            _MEMBER,
            _ids("approve", "赞成的候选人编号", "candidates approved of"),
            _ids("against", "反对的候选人编号", "candidates voted against"),
            _ids("abstain", "弃权的候选人编号", "candidates abstained on"),
            Column("void", _C.TEXT, False, "废票原因；有此栏即为废票", "why the ballot is void; filled in: it is void"),
            _at("cast_at", "投票时间", "when it was cast"),
        ),
        ("round", "member"),
    ),
    Table(
        "totals",
        "公众投票总数：每个平台每名候选人一行",
        "Public totals: one row for each channel and candidate",
        (
            _STAGE,
            _id("poll", "投票编号；留空即阶段编号", "poll id; empty: the stage id", required=False),
            _id("channel", "平台编号", "channel id"),
            _CANDIDATE,
            _number("votes", "得票数", "votes", required=True),
            _choice("verifiable", (YES, NO), "总数可否核验；否则不用于并列排序", "only verifiable totals order equals"),
        ),
        ("stage", "channel", "candidate"),
    ),
    Table(
        "tie_orders",
        "并列裁定：加投仍并列时领导小组表决票数或抽签次序",
        "Ties settled after the last run-off: the leaders' votes, or the lot",
        (
            _id("round", "仍并列的最后一轮编号", "the last round that left them equal"),
            _CANDIDATE,
            _choice("way", (DECISION, LOT), "decision 领导小组表决，lot 抽签", "by decision or by lot"),
            _number(
                "value", "赞成票数；抽签则先抽中者数值大", "votes in favour; of a lot, higher goes first", required=True
            ),
        ),
        ("round", "candidate"),
    ),
    Table(
        "decisions",
        "其他决定：退出、不同意、考察不合格、递补等，每项一行",
        "Other decisions: withdrawals, objections, inspections, places filled, one row each",
        (
            _id("decision", "决定编号", "id of the decision"),
            _choice(
                "kind",
                DECISION_KINDS,
                "struck_off 异议成立取消资格，not_agreed 领导小组不同意，failed_inspection 考察不合格，"
                "declined 本人不接受，withdrawn 退出，terminated 终止资格，place_filled 空缺递补，agreed 同意，"
                "objection_dismissed 异议不成立",
                "what was decided",
            ),
            _id("person", "所涉人员；递补时为原占名额者", "whom it concerns; of a place filled, who held it before"),
            _id(
                "stage",
                "自该阶段的结果起不再列入；留空即终评之后",
                "the first stage whose result leaves the person out; empty: after the final round",
                required=False,
            ),
            _at("decided_at", "决定时间", "when it was decided", required=True),
            Column("reason", _C.TEXT, False, "理由", "reason"),
        ),
        ("decision",),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _LISTED})
"""Every table by its name, in the order in which tables are imported."""
REQUIRED_TABLES = ("applications", "rosters", "rounds", "ballots")
