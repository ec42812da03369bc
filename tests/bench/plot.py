#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""plot.py BENCH.json PICTURE.svg: ticks per packet over the number of flows, a line for each path of hawser-bench.

BENCH.json is a file that `make bench` wrote, or `hawser-bench --json`. The two-line walk of the same run stands beside the
paths: what the machine's memory costs at least. Colours follow the reader's scheme, light or dark.
"""

import json
import math
import os
import sys
from xml.sax.saxutils import escape

PATHS = [  # name, what the legend says, colour on light, on dark
    ("mag_uplink_direct", "MAG uplink, direct", "#1f6fb4", "#6cb6ff"),
    ("mag_downlink_direct", "MAG downlink, direct", "#0a7d6c", "#4fd1bd"),
    ("mag_uplink", "MAG uplink to LMA", "#5a3fc0", "#b39dff"),
    ("mag_downlink", "MAG downlink from LMA", "#a8329b", "#f08be0"),
    ("lma_downlink", "LMA downlink", "#b45309", "#f2b155"),
    ("lma_uplink", "LMA uplink", "#6b7a12", "#c3d35a"),
    ("lma_hairpin", "LMA hairpin", "#c0262d", "#ff8f8f"),
    ("two_line_walk", "two memory lines, nothing else", "#57606a", "#9ba5b0"),
]
REFERENCE = "two_line_walk"
WIDTH, HEIGHT = 860, 430
LEFT, RIGHT, TOP, BOTTOM = 64, 250, 46, 54
TICKS_Y = 6


def fail(path, why):
    sys.exit(f"plot.py: {path}: {why}")


def load(path):
    """{name: [(flows, median), ...] by flows}, and the words about the machine."""
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except OSError as error:
        fail(path, error.strerror)
    except ValueError as error:
        fail(path, f"not JSON: {error}")
    names = {name for name, *_ in PATHS}
    lines = {}
    try:
        for row in data["results"]:
            if row["name"] in names and row["unit"] == "tsc/packet":
                flows, median = int(row["flows"]), float(row["median"])
                if flows < 1 or not 0 < median < math.inf:
                    raise ValueError(f"{row['name']}: {row['flows']} flows, {row['median']} ticks")
                lines.setdefault(row["name"], {})[flows] = median
        cpu = str(data.get("machine", {}).get("cpu") or "")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        fail(path, f"not a file of make bench ({error!r})")
    missing = [name for name in sorted(names) if len(lines.get(name, {})) < 2]
    if missing:
        fail(path, f"fewer than two numbers of flows for {', '.join(missing)}")
    return {name: sorted(points.items()) for name, points in lines.items()}, cpu


def flows_text(flows):
    for unit, letter in ((1_000_000, " M"), (1024, " k") if flows % 1024 == 0 else (1000, " k")):
        if flows >= unit and flows % unit == 0:
            return f"{flows // unit}{letter}"
    return str(flows)


def step_of(largest):
    """Between lines of the grid: 1, 2 or 5 times a power of ten."""
    wanted = largest / TICKS_Y
    power = 10 ** math.floor(math.log10(wanted))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= wanted)


def ordered(tops, gap, lowest):
    """Places of the legend's lines: as near to the ends of their lines as they can without touching."""
    placed = []
    for top in sorted(tops):
        placed.append(max(top, placed[-1] + gap) if placed else top)
    shift = max(0, placed[-1] - lowest)
    for i in range(len(placed) - 1, -1, -1):
        limit = lowest - (len(placed) - 1 - i) * gap
        placed[i] = min(placed[i], limit) if shift else placed[i]
    return placed


class Scale:
    """From flows and ticks to places in the picture."""

    def __init__(self, lines):
        self.flows = sorted({flows for points in lines.values() for flows, _ in points})
        largest = max(ticks for points in lines.values() for _, ticks in points)
        self.step = step_of(largest)
        self.top = math.ceil(largest / self.step) * self.step
        self.first, self.last = math.log10(self.flows[0]), math.log10(self.flows[-1])

    def x(self, flows):
        return LEFT + (math.log10(flows) - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)

    def y(self, ticks):
        return HEIGHT - BOTTOM - ticks / self.top * (HEIGHT - TOP - BOTTOM)


def style():
    light = "".join(f".{name}{{--c:{colour}}}" for name, _, colour, _ in PATHS)
    dark = "".join(f".{name}{{--c:{colour}}}" for name, _, _, colour in PATHS)
    return ("<style>"
            "svg{--text:#24292f;--grid:#d0d7de;font:13px system-ui,sans-serif}"
            f"{light}"
            "@media(prefers-color-scheme:dark){svg{--text:#e6edf3;--grid:#3d444d}"
            f"{dark}}}"
            "text{fill:var(--text)}.grid{stroke:var(--grid)}"
            ".line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round}.dot{fill:var(--c)}"
            f".{REFERENCE} .line{{stroke-dasharray:5 4}}.label text{{fill:var(--c)}}"
            ".leader{stroke:var(--c);stroke-width:1;opacity:.5}.title{font-size:15px;font-weight:600}"
            "</style>")


def grid(scale):
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    for i in range(round(scale.top / scale.step) + 1):
        ticks = i * scale.step
        y = scale.y(ticks)
        yield f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{ticks:g}</text>'
    for flows in scale.flows:
        x = scale.x(flows)
        yield f'<line class="grid" x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 5}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{flows_text(flows)}</text>'
    yield f'<text x="{(LEFT + right) / 2:.0f}" y="{HEIGHT - 12}" text-anchor="middle">flows (pairs or nodes), logarithmic</text>'
    yield (f'<text transform="rotate(-90 16 {(TOP + bottom) / 2:.0f})" x="16" y="{(TOP + bottom) / 2:.0f}" '
           'text-anchor="middle">TSC ticks per packet</text>')


def curves(lines, scale):
    known = [entry for entry in PATHS if entry[0] in lines]
    known.sort(key=lambda entry: scale.y(lines[entry[0]][-1][1]))
    labels = ordered([scale.y(lines[name][-1][1]) for name, *_ in known], 19, HEIGHT - BOTTOM)
    for (name, words, *_), label in zip(known, labels):
        points = [(scale.x(flows), scale.y(ticks)) for flows, ticks in lines[name]]
        end = points[-1]
        yield f'<g class="{name}"><title>{escape(words)}</title>'
        yield f'<polyline class="line" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
        for (x, y), (flows, ticks) in zip(points, lines[name]):
            yield f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{flows} flows: {ticks:g}</title></circle>'
        yield f'<line class="leader" x1="{end[0] + 4:.1f}" y1="{end[1]:.1f}" x2="{end[0] + 20:.1f}" y2="{label:.1f}"/>'
        yield (f'<g class="label"><text x="{end[0] + 24:.1f}" y="{label + 4:.1f}">{escape(words)}: '
               f'{lines[name][-1][1]:.0f}</text></g></g>')


def draw(lines, cpu):
    scale = Scale(lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">',
        "<title>TSC ticks per packet of each path over the number of flows</title>",
        style(),
        f'<text class="title" x="{LEFT}" y="22">Ticks per packet, receive to transmit, one worker</text>',
    ]
    if cpu:
        parts.append(f'<text x="{LEFT}" y="39" opacity=".7">{escape(cpu)}</text>')
    parts += [*grid(scale), *curves(lines, scale), "</svg>"]
    return "\n".join(parts) + "\n"


def write(source, picture):
    lines, cpu = load(source)
    temporary = f"{picture}.{os.getpid()}"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(draw(lines, cpu))
        os.replace(temporary, picture)
    except OSError as error:
        fail(picture, error.strerror)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: " + __doc__.splitlines()[0])
    write(sys.argv[1], sys.argv[2])
