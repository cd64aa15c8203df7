"""Pictures of a small graph: every box in its place, none upon another, the same for the same graph."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import pictures
from support.pictures import Edge, Node, Picture

LAYERS = ("Customers", "Known by", "Orders")
NODES = [
    Node("p1", 0, "Maya Okafor", "stands for all", "root"),
    Node("p2", 0, "Okafor, Maya", "merged"),
    Node("i1", 1, "maya@example.org"),
    Node("i2", 1, "+49 151 12345678"),
    Node("o1", 2, "12 orders"),
]
EDGES = [
    Edge("p1", "p2", "merged", "merge"),
    Edge("p1", "i2", "of Maya"),
    Edge("p2", "i1", "came with her"),
    Edge("i1", "o1", "bears"),
    Edge("i1", "gone", "to something that is not drawn"),
]
BOTH = pytest.mark.parametrize("draw", [pictures.wide, pictures.narrow])


def graphs() -> st.SearchStrategy[tuple[list[Node], list[Edge]]]:
    counts = st.tuples(st.integers(1, 8), st.integers(0, 9), st.integers(0, 9))

    def linked(sizes: tuple[int, int, int]) -> st.SearchStrategy[tuple[list[Node], list[Edge]]]:
        nodes = [
            Node(f"{layer}.{n}", layer, "x" * n * 9, "y" * n) for layer, size in enumerate(sizes) for n in range(size)
        ]
        ends = st.sampled_from([node.id for node in nodes])
        edges = st.lists(st.builds(Edge, ends, ends, st.just("")), max_size=20)
        return edges.map(lambda found: (nodes, found))

    return counts.flatmap(linked)


def overlapping(picture: Picture) -> bool:
    boxes = picture.boxes
    return any(
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
        for number, one in enumerate(boxes)
        for other in boxes[:number]
    )


@BOTH
def test_every_node_has_its_box_and_every_edge_its_curve(draw) -> None:
    picture = draw(NODES, EDGES, LAYERS)
    assert sorted(box.node.id for box in picture.boxes) == ["i1", "i2", "o1", "p1", "p2"]
    assert len(picture.curves) == 4 and [heading.text for heading in picture.headings] == list(LAYERS)


@BOTH
@given(graph=graphs())
def test_no_box_lies_upon_another_or_outside(draw, graph: tuple[list[Node], list[Edge]]) -> None:
    picture = draw(*graph, LAYERS)
    assert not overlapping(picture)
    assert all(box.x >= 0 and box.x + box.width <= picture.width for box in picture.boxes)
    assert all(box.y >= 0 and box.y + box.height <= picture.height for box in picture.boxes)


def test_boxes_upon_each_other_are_noticed() -> None:
    one, other = pictures.narrow(NODES[:2], [], LAYERS).boxes
    assert overlapping(Picture(1, 1, [one, one])) and not overlapping(Picture(1, 1, [one, other]))


@BOTH
@given(graph=graphs())
def test_the_same_graph_is_the_same_picture(draw, graph: tuple[list[Node], list[Edge]]) -> None:
    assert draw(*graph, LAYERS) == draw(*graph, LAYERS)


def test_columns_stand_in_layers_and_what_is_linked_lies_near() -> None:
    picture = pictures.wide(NODES, EDGES, LAYERS)
    at = {box.node.id: box for box in picture.boxes}
    assert at["p1"].x == at["p2"].x < at["i1"].x == at["i2"].x < at["o1"].x
    assert (at["p1"].y < at["p2"].y) == (at["i2"].y < at["i1"].y)


def test_the_narrow_picture_fits_a_telephone() -> None:
    assert pictures.narrow(NODES, EDGES, LAYERS).width <= 320


def test_long_titles_are_cut_with_a_sign() -> None:
    (box,) = pictures.narrow([Node("a", 0, "m" * 80, "n" * 80)], [], LAYERS).boxes
    assert box.shown.endswith("…") and len(box.shown) < 40 and box.under.endswith("…")
    assert pictures.shorten("Maya", 28) == "Maya"


@BOTH
def test_nothing_is_an_empty_picture(draw) -> None:
    picture = draw([], [], LAYERS)
    assert (picture.boxes, picture.curves) == ([], []) and picture.width > 0 and picture.height > 0
