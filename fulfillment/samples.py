"""Small whole files for made-up products: a PDF, an EPUB and an archive, built here and the same each time."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from html import escape

_EPOCH = (2026, 1, 1, 0, 0, 0)


def pdf(title: str, lines: Sequence[str]) -> bytes:
    """One page of A5 with a heading and some lines."""
    drawn = ["BT", "/F1 22 Tf", "48 500 Td", f"({_pdf_text(title)}) Tj", "/F1 11 Tf", "16 TL", "0 -40 Td"]
    for line in lines:
        drawn += [f"({_pdf_text(line)}) Tj", "T*"]
    content = "\n".join([*drawn, "ET"]).encode("cp1252", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 595] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Font << /F1 5 0 R >> >>",
        f"<< /Title ({_pdf_text(title)}) /Producer (Aftersale) >>".encode("cp1252", "replace"),
    ]
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    table = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % place for place in places)
    out.write(b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\n" % (len(objects) + 1, len(objects)))
    out.write(b"startxref\n%d\n%%%%EOF\n" % table)
    return out.getvalue()


def epub(title: str, author: str, lines: Sequence[str]) -> bytes:
    """A book of one chapter, EPUB 3."""
    told = "".join(f"<p>{escape(line)}</p>" for line in lines)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    page = (
        '<html xmlns="http://www.w3.org/1999/xhtml"{more}><head><title>{title}</title></head><body>{body}</body></html>'
    )
    nav = f'<nav epub:type="toc"><ol><li><a href="chapter.xhtml">{escape(title)}</a></li></ol></nav>'
    ops = ' xmlns:epub="http://www.idpf.org/2007/ops"'
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="id">urn:aftersale:{escape(title)}</dc:identifier><dc:title>{escape(title)}</dc:title>'
        f"<dc:creator>{escape(author)}</dc:creator><dc:language>en</dc:language>"
        '<meta property="dcterms:modified">2026-01-01T00:00:00Z</meta></metadata>'
        '<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="chapter" href="chapter.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="chapter"/></spine></package>'
    )
    container = (
        '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    chapter = f"<h1>{escape(title)}</h1>{told}"
    return archive(
        {
            "META-INF/container.xml": head + container,
            "OEBPS/content.opf": head + package,
            "OEBPS/nav.xhtml": head + page.format(title=escape(title), body=nav, more=ops),
            "OEBPS/chapter.xhtml": head + page.format(title=escape(title), body=chapter, more=""),
        },
        kind="application/epub+zip",
    )


def archive(texts: Mapping[str, str], *, kind: str = "") -> bytes:
    """A zip of these texts; with a kind, that stands first and plain, as an EPUB wants it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        if kind:
            made.writestr(zipfile.ZipInfo("mimetype", _EPOCH), kind, zipfile.ZIP_STORED)
        for name, content in texts.items():
            made.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _pdf_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
