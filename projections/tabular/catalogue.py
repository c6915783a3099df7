"""Every derived table and view, with what each column says. The order is that of the procedure.

Nothing here shows an entry's content as it was signed, a name, an objector, or the choices of a round that cannot be
read yet. Columns that name an entry hold its index in the log.
"""

from projections.tabular import catalogue_after, catalogue_lists, catalogue_votes
from projections.tabular.columns import (
    BIG,
    CANDIDATE,
    DAY,
    ENTRY,
    FLAG,
    GROUP,
    MEMBER,
    PERSON,
    ROUND,
    STAGE,
    TEXT,
    TIME,
    count,
    entry,
)
from projections.tabular.model import Column, Table, View

TABLES = (*catalogue_lists.TABLES, *catalogue_votes.TABLES, *catalogue_after.TABLES)
POSITION = Table(
    "position", "各表截至账本何处", "How much of the log the tables know", ("one",), "one",
    (
        Column("one", FLAG, "只有一行", "there is one row"),
        Column("size", BIG, "已计入的条目数；确认结果时即 as_of", "entries known; the as_of of a certification"),
        Column("sequenced_at", TIME, "最后一条的入账时间", "when the last of them was sequenced"),
        Column("layout", TEXT, "表结构摘要", "hash of the tables' definitions"),
        Column("content_hash", TEXT, "全部内容的摘要", "hash over the contents of all tables"),
    ),
)  # fmt: skip
CONTENTS = Table(
    "contents", "各表应有的行数与摘要", "What every table must hold at this position", ("table_name",), "table_name",
    (
        Column("table_name", TEXT, "表名", "table"),
        Column("rows", BIG, "行数", "number of rows"),
        Column("content_hash", TEXT, "内容摘要", "hash of its rows"),
    ),
)  # fmt: skip

VIEWS = (
    View(
        "votes", "逐人逐票：每位成员对每位人选", "Every member's choice on every candidate of a readable round", False,
        (
            ROUND,
            STAGE,
            GROUP,
            MEMBER,
            CANDIDATE,
            Column("choice", TEXT, "approve、against、abstain 或 blank", "approve, against, abstain or blank"),
            ENTRY,
            Column("counts", FLAG, "是否计入（非废票、未裁定无效）", "whether the ballot counts"),
        ),
        """
        SELECT b.round, r.stage, r.group_id, b.member, c.candidate,
            CASE substr(b.marks, c.place::integer, 1)
                WHEN 'Y' THEN 'approve' WHEN 'N' THEN 'against' WHEN 'A' THEN 'abstain' ELSE 'blank' END,
            b.entry, NOT b.void AND b.invalid IS NULL
        FROM {s}.ballots AS b JOIN {s}.rounds AS r USING (round)
            CROSS JOIN LATERAL unnest(r.candidates) WITH ORDINALITY AS c (candidate, place)
        """,
    ),
    View(
        "public_position", "公开：截至账本何处", "Public: how much of the log is known", True,
        (
            Column("size", BIG, "已计入的条目数", "entries known"),
            Column("sequenced_at", TIME, "最后一条的入账时间", "when the last was sequenced"),
        ),
        "SELECT size, sequenced_at FROM {s}.position",
    ),
    View(
        "public_results", "公开：正式提名一轮已确认的合计", "Public: the certified totals of the nominees' round", True,
        (
            STAGE,
            CANDIDATE,
            count("rank", "名次", "rank"),
            Column("status", TEXT, "结果", "taken, left, below_minimum or removed"),
            count("approve", "赞成", "approvals"),
            count("against", "反对", "votes against"),
            count("abstain", "弃权", "abstentions"),
            count("returned", "收回", "ballots returned"),
            entry("certified", "确认", "certified it"),
        ),
        """
        SELECT r.stage, r.candidate, r.rank, r.status, r.approve, r.against, r.abstain, r.returned, r.certified
        FROM {s}.results AS r JOIN {s}.stages AS s USING (stage)
        WHERE s.takes = 'nominees' AND r.certified IS NOT NULL
        """,
    ),
    View(
        "public_notices", "公开：公示", "Public: notices", True,
        (
            Column("notice", TEXT, "公示编号", "notice id"),
            PERSON,
            entry("entry", "发布", "published it"),
            count("days", "工作日数", "its length in working days"),
            Column("last_day", DAY, "最后一日", "last day"),
        ),
        "SELECT notice, person, entry, days, last_day FROM {s}.notices WHERE in_force",
    ),
    View(
        "public_named", "公开：命名", "Public: who was named", True,
        (
            PERSON,
            entry("entry", "命名", "named them"),
            Column("named_at", TIME, "命名时间", "when"),
            entry("revoked", "撤销", "revoked it"),
        ),
        "SELECT person, entry, named_at, revoked FROM {s}.named",
    ),
)  # fmt: skip

BY_NAME = {table.name: table for table in TABLES}
