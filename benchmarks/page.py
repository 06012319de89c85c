"""Where the pages of docs/ hold what a benchmark printed."""

from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
END = "<!-- end of figures -->"


def write_figures(page: str, benchmark: str, text: str) -> None:
    """Put `text` between the marks of `benchmark` in a page of docs/.

    Raises ValueError when the page does not hold the marks.
    """
    begin = f"<!-- figures: benchmarks.{benchmark} -->"
    told = (DOCS / page).read_text(encoding="utf-8")
    before, mark, rest = told.partition(begin)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise ValueError(f"docs/{page} does not hold {begin} and {END}")
    (DOCS / page).write_text(f"{before}{begin}\n{text}{END}{after}", encoding="utf-8")
