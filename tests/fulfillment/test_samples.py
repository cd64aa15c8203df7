"""The files built for made-up products open as what they are."""

import io
import re
import zipfile
from xml.etree import ElementTree

from fulfillment import samples


def test_every_object_of_the_pdf_stands_where_its_table_says() -> None:
    made = samples.pdf("Tide Atlas (2nd)", ["Größe, naïve", r"back\slash"])
    assert made.startswith(b"%PDF-1.4\n") and made.endswith(b"%%EOF\n")
    start = int(re.findall(rb"startxref\n(\d+)", made)[-1])
    assert made[start:].startswith(b"xref\n")
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n", made)]
    assert [made[place:].split(b"\n", 1)[0] for place in places] == [b"%d 0 obj" % (n + 1) for n in range(len(places))]
    length = re.search(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", made, re.DOTALL)
    assert length and int(length[1]) == len(length[2])
    assert rb"(Tide Atlas \(2nd\)) Tj" in made and "Größe, naïve".encode("cp1252") in made


def test_the_epub_begins_with_its_kind_and_is_whole() -> None:
    made = samples.epub("Tides & Moons", "Lantern <Press>", ["One <line>"])
    assert made[30:58] == b"mimetypeapplication/epub+zip"
    with zipfile.ZipFile(io.BytesIO(made)) as book:
        assert book.testzip() is None
        for name in book.namelist()[1:]:
            ElementTree.fromstring(book.read(name))
        assert "One &lt;line&gt;" in book.read("OEBPS/chapter.xhtml").decode()


def test_the_same_file_is_built_each_time() -> None:
    assert samples.epub("T", "A", ["x"]) == samples.epub("T", "A", ["x"])
    assert samples.pdf("T", ["x"]) == samples.pdf("T", ["x"])
    assert samples.archive({"a.txt": "x"}) == samples.archive({"a.txt": "x"})
