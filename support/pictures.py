"""Laying a small graph out as a picture: boxes in layers and curves between them, the same for the same graph.

Pure arithmetic in whole units of an SVG; whoever draws it decides about colours and words.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

WIDE_BOX, NARROW_BOX = 232, 258
HEIGHT, GAP, LAYER_GAP = 46, 14, 96
MARGIN, HEAD = 8, 30
GUTTER = 46
LETTERS = 28
SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Node:
    """One thing of the graph: `layer` counts from 0; `tone` is for whoever draws."""

    id: str
    layer: int
    title: str
    note: str = ""
    tone: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """What links two nodes, in words."""

    one: str
    other: str
    words: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A node in its place; `shown` is its title cut to fit, `under` its note."""

    node: Node
    x: int
    y: int
    width: int
    shown: str
    under: str
    height: int = HEIGHT

    @property
    def text_x(self) -> int:
        return self.x + 12

    @property
    def title_y(self) -> int:
        return self.y + (19 if self.under else 28)

    @property
    def note_y(self) -> int:
        return self.y + 36


@dataclass(frozen=True, slots=True)
class Curve:
    """An edge as the path of an SVG."""

    edge: Edge
    path: str


@dataclass(frozen=True, slots=True)
class Heading:
    """The name of a layer above its boxes."""

    text: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A laid-out graph, with its size."""

    width: int
    height: int
    boxes: Sequence[Box] = field(default_factory=tuple)
    curves: Sequence[Curve] = field(default_factory=tuple)
    headings: Sequence[Heading] = field(default_factory=tuple)


def wide(nodes: Sequence[Node], edges: Sequence[Edge], layers: Sequence[str]) -> Picture:
    """Layers as columns from left to right; a column shorter than the longest stands in its middle."""
    columns = ordered(nodes, edges, len(layers))
    tallest = max((len(column) for column in columns), default=0)
    boxes: dict[str, Box] = {}
    headings = []
    for number, column in enumerate(columns):
        x = MARGIN + number * (WIDE_BOX + LAYER_GAP)
        if column:
            headings.append(Heading(layers[number], x, MARGIN + 14))
        top = MARGIN + HEAD + (tallest - len(column)) * (HEIGHT + GAP) // 2
        for place, node in enumerate(column):
            boxes[node.id] = _box(node, x, top + place * (HEIGHT + GAP), WIDE_BOX)
    width = 2 * MARGIN + len(columns) * WIDE_BOX + max(len(columns) - 1, 0) * LAYER_GAP
    height = 2 * MARGIN + HEAD + max(tallest * (HEIGHT + GAP) - GAP, 0)
    curves = [Curve(edge, _across(boxes[edge.one], boxes[edge.other])) for edge in _drawn(edges, boxes)]
    return Picture(width, height, list(boxes.values()), curves, headings)


def narrow(nodes: Sequence[Node], edges: Sequence[Edge], layers: Sequence[str]) -> Picture:
    """All boxes in one column, layer below layer, the curves in the margin at their left."""
    boxes: dict[str, Box] = {}
    headings = []
    y = MARGIN
    for number, column in enumerate(ordered(nodes, edges, len(layers))):
        if column:
            headings.append(Heading(layers[number], GUTTER, y + 14))
            y += HEAD - 8
        for node in column:
            boxes[node.id] = _box(node, GUTTER, y, NARROW_BOX)
            y += HEIGHT + GAP
        y += GAP if column else 0
    curves = [Curve(edge, _beside(boxes[edge.one], boxes[edge.other], y)) for edge in _drawn(edges, boxes)]
    return Picture(GUTTER + NARROW_BOX + MARGIN, max(y, 2 * MARGIN), list(boxes.values()), curves, headings)


def ordered(nodes: Sequence[Node], edges: Sequence[Edge], layers: int) -> list[list[Node]]:
    """The nodes of each layer, each near the middle of what it is linked to, so that few curves cross."""
    columns: list[list[Node]] = [[node for node in nodes if node.layer == number] for number in range(layers)]
    linked: dict[str, list[str]] = {node.id: [] for node in nodes}
    for edge in edges:
        if edge.one in linked and edge.other in linked:
            linked[edge.one].append(edge.other)
            linked[edge.other].append(edge.one)
    for sweep in range(SWEEPS):
        numbers = range(1, layers) if sweep % 2 == 0 else range(layers - 2, -1, -1)
        for number in numbers:
            beside = columns[number - 1] if sweep % 2 == 0 else columns[number + 1]
            places = {node.id: place for place, node in enumerate(beside)}
            columns[number] = _by_middle(columns[number], linked, places)
    return columns


def _by_middle(column: Sequence[Node], linked: Mapping[str, Sequence[str]], places: Mapping[str, int]) -> list[Node]:
    def middle(place: int) -> tuple[float, int]:
        found = [places[other] for other in linked[column[place].id] if other in places]
        return (sum(found) / len(found) if found else float(place), place)

    return [column[place] for place in sorted(range(len(column)), key=middle)]


def _drawn(edges: Iterable[Edge], boxes: Mapping[str, Box]) -> list[Edge]:
    return [edge for edge in edges if edge.one in boxes and edge.other in boxes]


def _box(node: Node, x: int, y: int, width: int) -> Box:
    letters = LETTERS * width // WIDE_BOX
    return Box(node, x, y, width, shorten(node.title, letters), shorten(node.note, letters + 5))


def shorten(text: str, letters: int) -> str:
    """A text cut to so many letters, with a sign that it was."""
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"


def _across(one: Box, other: Box) -> str:
    """From one column to the next; within a column around its left side."""
    y, to_y = one.y + HEIGHT // 2, other.y + HEIGHT // 2
    if one.x == other.x:
        bend = max(one.x - 7, 1)
        return f"M{one.x} {y} C{bend} {y} {bend} {to_y} {other.x} {to_y}"
    left, right = (one, other) if one.x < other.x else (other, one)
    start, end = left.x + left.width, right.x
    y, to_y, half = left.y + HEIGHT // 2, right.y + HEIGHT // 2, (end - start) // 2
    return f"M{start} {y} C{start + half} {y} {end - half} {to_y} {end} {to_y}"


def _beside(one: Box, other: Box, total: int) -> str:
    """Through the margin: the farther apart, the farther out."""
    y, to_y = sorted((one.y + HEIGHT // 2, other.y + HEIGHT // 2))
    out = GUTTER - 14 - (GUTTER - 18) * (to_y - y) // max(total, 1)
    bend = max(2 * out - GUTTER, 2 - GUTTER // 3)
    return f"M{GUTTER} {y} C{bend} {y} {bend} {to_y} {GUTTER} {to_y}"
