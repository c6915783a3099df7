"""The columns explained: as text, and as a workbook to fill in, both from `ledger.import_tables` alone.

Every column of the workbook is formatted as text, so that a spreadsheet leaves ids, numbers and dates as typed.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from api.importing.announced import ANNOUNCED_TABLE
from api.importing.csv_rows import csv_table
from api.importing.example import example_folder
from api.importing.folder import GUIDE_SHEETS
from ledger.import_tables import REQUIRED_TABLES, TABLES, CellType, Column, Table

SAMPLE_ROWS = 3
_HEADINGS = ("表 table", "列 column", "必填 required", "内容 holds", "说明", "explanation", "示例 example")
_WIDTHS = (14, 14, 12, 22, 48, 48, 24)
_HOLDS = {
    CellType.ID: "编号：小写字母、数字、: . _ - · id",
    CellType.IDS: "编号，以空格、; 、 , 分隔 · ids",
    CellType.TEXT: "文字 · text",
    CellType.INTEGER: "整数 · integer",
    CellType.HUNDREDTHS: "至多两位小数 · at most two decimals",
    CellType.DAY: "YYYY-MM-DD",
    CellType.INSTANT: "YYYY-MM-DD HH:MM[:SS]",
    CellType.DIGEST: "SHA-256",
}


def every_table() -> tuple[Table, ...]:
    """Return the tables of an import in order, then the announced result."""
    return (*TABLES.values(), ANNOUNCED_TABLE)


def holds(column: Column) -> str:
    """Return what a column holds, in few words."""
    return " / ".join(column.words) or _HOLDS[column.type]


def explained() -> Iterator[str]:
    """Give the documentation of all columns, line by line, as Markdown."""
    for table in every_table():
        needed = " *" if table.name in REQUIRED_TABLES else ""
        yield from (f"### {table.name}{needed}", "", f"{table.zh} · {table.en}", "")
        yield from ("| 列 column | 内容 holds | 说明 explanation |", "|---|---|---|")
        for column in table.columns:
            mark = " *" if column.required else ""
            yield f"| `{column.name}`{mark} | {holds(column)} | {column.zh} · {column.en} |"
        yield ""


def write_template(out: Path) -> None:
    """Write the workbook: the guide, example rows, and one empty sheet for each table."""
    with xlsxwriter.Workbook(str(out), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold = book.add_format({"bold": True, "bg_color": "#E7E6E6", "num_format": "@"})
        needed = book.add_format({"bold": True, "bg_color": "#FCE4D6", "num_format": "@"})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        samples = {table.name: _sample(table) for table in every_table()}
        _guide(book.add_worksheet(GUIDE_SHEETS[0]), bold, wrapped, samples)
        _samples(book.add_worksheet(GUIDE_SHEETS[1]), bold, samples)
        text = book.add_format({"num_format": "@"})
        for table in every_table():
            sheet = book.add_worksheet(table.name)
            sheet.freeze_panes(1, 0)
            for place, column in enumerate(table.columns):
                sheet.set_column(place, place, max(12, len(column.name) + 4), text)
                sheet.write_string(0, place, column.name, needed if column.required else bold)
                sheet.write_comment(0, place, f"{column.zh}\n{column.en}\n{holds(column)}", {"x_scale": 2})


def _sample(table: Table) -> list[Sequence[str]]:
    """The first rows of the worked example, header included; only the header where the example lacks the table."""
    file = example_folder() / f"{table.name}.csv"
    if not file.exists():
        return [[column.name for column in table.columns]]
    rows = csv_table(file, file.name).rows()
    return [[str(cell) for cell in row] for _, (_, row) in zip(range(SAMPLE_ROWS + 1), rows, strict=False)]


def _guide(sheet: Any, bold: Any, wrapped: Any, samples: dict[str, list[Sequence[str]]]) -> None:
    for place, (heading, width) in enumerate(zip(_HEADINGS, _WIDTHS, strict=True)):
        sheet.set_column(place, place, width, wrapped)
        sheet.write_string(0, place, heading, bold)
    sheet.freeze_panes(1, 0)
    number = 0
    for table in every_table():
        number += 1
        for place, text in enumerate((table.name, "", "", "", table.zh, table.en)):
            sheet.write_string(number, place, text, bold)
        header, *rows = samples[table.name]
        for column in table.columns:
            number += 1
            written = next((row[header.index(column.name)] for row in rows if column.name in header), "")
            mark = "是 yes" if column.required else ""
            told = (table.name, column.name, mark, holds(column), column.zh, column.en, written)
            for place, text in enumerate(told):
                sheet.write_string(number, place, text, wrapped)


def _samples(sheet: Any, bold: Any, samples: dict[str, list[Sequence[str]]]) -> None:
    number = 0
    for name, rows in samples.items():
        sheet.write_string(number, 0, name, bold)
        for row in rows:
            number += 1
            for place, text in enumerate(row):
                sheet.write_string(number, place, text)
        number += 2
