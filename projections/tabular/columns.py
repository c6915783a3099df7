"""Columns that many tables share, and short ways to write a column that names an entry or counts something."""

from projections.tabular.model import Column

BIG, INT, TEXT, FLAG, TIME, DAY = "bigint", "integer", "text", "boolean", "timestamptz", "date"
TEXTS, BIGS = "text[]", "bigint[]"

STAGE = Column("stage", TEXT, "阶段", "stage of the programme")
GROUP = Column("group_id", TEXT, "组别；不分组为空", "group of the stage; null where it has none")
ROUND = Column("round", TEXT, "投票轮次", "round of voting")
PERSON = Column("person", TEXT, "人员编号", "person id")
MEMBER = Column("member", TEXT, "成员编号", "person id of the member of the body")
CANDIDATE = Column("candidate", TEXT, "人选编号", "person id of the candidate")
ENTRY = Column("entry", BIG, "条目序号（从 0 起）", "index of the entry, from 0")


def entry(name: str, zh: str, en: str) -> Column:
    """Return a column that holds the index of an entry."""
    return Column(name, BIG, f"{zh}（条目序号）", f"entry that {en}")


def count(name: str, zh: str, en: str) -> Column:
    """Return a column that holds a small number."""
    return Column(name, INT, zh, en)
