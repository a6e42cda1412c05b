# SPDX-License-Identifier: GPL-2.0
"""Bars as SVG, as plain as possible."""

from xml.sax.saxutils import escape

COLOURS = ("#33658a", "#f26419")
BAR, GAP, LABEL, LENGTH, VALUE, TITLE = 9, 7, 250, 420, 80, 30


def text(x, y, words, size=11, anchor="start", weight="normal"):
    return (f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}"'
            f' font-weight="{weight}">{escape(words)}</text>')


def bars(title, series, charts, footnote):
    """charts: [(heading, {label: [value of each series]})], each with a scale of its own.

    A bar that would leave nothing of the others is cut off, and its number tells.
    """
    out, y = [text(10, 20, title, 15, weight="bold")], 20
    for n, name in enumerate(series):
        out.append(f'<rect x="{LABEL + 120 * n}" y="{y - 9}" width="9" height="9" fill="{COLOURS[n]}"/>')
        out.append(text(LABEL + 14 + 120 * n, y, name))
    for heading, rows in charts:
        y += TITLE
        out.append(text(10, y, heading, 12, weight="bold"))
        y += 8
        values = sorted(value for row in rows.values() for value in row)
        scale = LENGTH / min(values[-1], 4 * values[len(values) // 2])
        for label, row in rows.items():
            out.append(text(LABEL - 8, y + BAR + 4, label, anchor="end"))
            for n, value in enumerate(row):
                width = min(LENGTH, value * scale)
                top = y + n * BAR
                out.append(f'<rect x="{LABEL}" y="{top}" width="{width:.1f}" height="{BAR - 1}"'
                           f' fill="{COLOURS[n]}"/>')
                cut = " …" if width < value * scale else ""
                out.append(text(f"{LABEL + width + 4:.1f}", top + BAR - 1, f"{value:.0f}{cut}", 9))
            y += BAR * len(row) + GAP
    y += TITLE
    out.append(text(10, y - 8, footnote, 9))
    width = LABEL + LENGTH + VALUE
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}"'
            f' viewBox="0 0 {width} {y}" font-family="sans-serif">\n'
            f'<rect width="{width}" height="{y}" fill="white"/>\n' + "\n".join(out) + "\n</svg>\n")
