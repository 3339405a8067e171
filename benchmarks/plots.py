"""`python -m benchmarks.plots`: draws docs/plots/ from benchmarks/results.json, and nothing else draws there.

The same figures give the same bytes. Nothing is filled behind a picture, and text and lines are of a middle tone: it is read on a light page
and on a dark one.
"""

import sys
from collections.abc import Sequence
from io import BytesIO
from itertools import accumulate
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.pictures import Picture, pictures
from benchmarks.run import RESULTS, read

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "plots"
INK, COLOURS = "#7a828c", ("#3f83c6", "#d9822b", "#4d9e62", "#a06cc0", "#c2566a", "#8c7a4f")
LIMIT = COLOURS[4]
THINNER = 0.8  # of the room that rows have
WIDTH, ROW, BAR, AROUND = 7.2, 0.18, 0.17, 1.25  # inches
LEFT, RIGHT, ABOVE, BELOW = 1.9, 0.6, 0.62, 0.63
STYLE = {
    "svg.hashsalt": "humqadam",
    "svg.fonttype": "none",  # text stays text: small, searched, read aloud
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def draw(picture: Picture) -> bytes:
    """An SVG."""
    bars = len(picture.series) if picture.kind == "bars" else 1
    height = AROUND + len(picture.rows) * (ROW + BAR * bars)
    with rc_context(STYLE):
        figure = Figure((WIDTH, height))
        # Room is given in inches and not by the length of texts, which depends on fonts.
        figure.subplots_adjust(LEFT / WIDTH, BELOW / height, 1 - RIGHT / WIDTH, 1 - ABOVE / height)
        axes = figure.subplots()
        DRAWN[picture.kind](axes, picture)
        _frame(figure, axes, picture, height)
        out = BytesIO()
        figure.savefig(
            out,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Title": picture.title},
        )
    return out.getvalue()


def _frame(figure: Figure, axes: Axes, picture: Picture, height: float) -> None:
    axes.set_yticks(range(len(picture.rows)), [row.name for row in picture.rows])
    axes.set_ylim(len(picture.rows) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel(picture.unit)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=INK, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    if picture.limit:
        axes.axvline(
            picture.limit,
            color=LIMIT,
            linewidth=1,
            linestyle="--",
            label=f"p99 at most {picture.limit:g}",
        )
    figure.text(0.1 / WIDTH, 1 - 0.24 / height, picture.title, fontsize=11, weight="bold", va="center")
    figure.text(1 - 0.1 / WIDTH, 0.12 / height, picture.measured_on, fontsize=7, ha="right", va="center")
    if len(picture.series) > 1 or picture.limit:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0 if len(picture.series) < len(COLOURS) else -0.3, 1),
            ncols=6,
            frameon=False,
            fontsize=8,
            borderaxespad=0.2,
            handlelength=1.2,
            columnspacing=1.2,
        )


def _bars(axes: Axes, picture: Picture) -> None:
    thick = THINNER / len(picture.series)
    for place, name in enumerate(picture.series):
        values = [row.values[place] for row in picture.rows]
        at = [row + (place - (len(picture.series) - 1) / 2) * thick for row in range(len(values))]
        axes.barh(at, values, thick * 0.9, color=COLOURS[place], label=name)
        ends = [row.ranges[place][1] if row.ranges else row.values[place] for row in picture.rows]
        _say(axes, at, values, ends)
        for height, row in zip(at, picture.rows, strict=True):
            if row.ranges:
                axes.plot(row.ranges[place], (height, height), color=INK, linewidth=2)


def _stack(axes: Axes, picture: Picture) -> None:
    sums = [list(accumulate(row.values, initial=0.0)) for row in picture.rows]
    for place, name in enumerate(picture.series):
        values, begins = [row.values[place] for row in picture.rows], [one[place] for one in sums]
        axes.barh(range(len(values)), values, THINNER * 0.9, begins, color=COLOURS[place], label=name)
    ends = [one[-1] for one in sums]
    _say(axes, range(len(ends)), ends, ends)


def _span(axes: Axes, picture: Picture) -> None:
    for place, row in enumerate(picture.rows):
        axes.plot((min(row.values), max(row.values)), (place, place), color=INK, alpha=0.5, linewidth=3)
    for place, name in enumerate(picture.series):
        values = [row.values[place] for row in picture.rows]
        axes.plot(values, range(len(values)), "o", color=COLOURS[place], label=name)
    for place, row in enumerate(picture.rows):  # above its point, where the limit seldom crosses it
        most = max(row.values)
        said, at = f"{most:.3g}", (most, place)
        axes.annotate(said, at, (0, 5), textcoords="offset points", ha="center", fontsize=8)


def _say(axes: Axes, at: Sequence[float], values: Sequence[float], ends: Sequence[float]) -> None:
    """Each value beside the end of what shows it."""
    for height, value, end in zip(at, values, ends, strict=True):
        axes.annotate(
            f"{value:.3g}", (end, height), (6, 0), textcoords="offset points", va="center", fontsize=8
        )


DRAWN = {"bars": _bars, "stack": _stack, "span": _span}


def main() -> int:
    """Writes what can be drawn, and takes away what no longer can."""
    drawn = {f"{name}.svg": draw(picture) for name, picture in pictures(read(RESULTS)).items()}
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.svg"):
        if old.name not in drawn:
            old.unlink()
    for name, content in drawn.items():
        (FOLDER / name).write_bytes(content)
    print("drawn:", ", ".join(drawn) or "nothing", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
