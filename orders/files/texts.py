"""A file's bytes as lines of text: the encoding is proved or declared, never guessed, and what is no table is refused.

Proof is a byte order mark, or that every byte of the file is strict UTF-8. An old encoding is taken where it was
declared, or where its decoding gives the headings of a dialect that is known to come in it.
"""

import codecs
import hashlib
from collections.abc import Iterable, Iterator

HEAD = 64 * 1024
LINE_MOST = 4 * 1024 * 1024
SIZE_MOST = 2 * 1024 * 1024 * 1024
UPLOAD_MOST = 50 * 1024 * 1024

TEXTS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-8-sig": "utf-8-sig",
    "utf-16": "utf-16",
    "windows-1254": "cp1254",
    "cp1254": "cp1254",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "iso-8859-9": "iso8859-9",
    "iso8859-9": "iso8859-9",
    "latin5": "iso8859-9",
    "iso-8859-1": "iso8859-1",
}
"""What may be declared, by the names people know these by."""
NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "cp1254": "Windows-1254",
    "cp1252": "Windows-1252",
    "iso8859-9": "ISO-8859-9",
    "iso8859-1": "ISO-8859-1",
    "xlsx": "Excel (XLSX)",
}
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NO_TABLES = (
    (b"\xd0\xcf\x11\xe0", "This is an old Excel file (.xls): save it as .xlsx or as CSV."),
    (b"%PDF", "This is a PDF: export the table as CSV or XLSX instead."),
    (b"\x1f\x8b", "This is a compressed file (gzip): unpack it first."),
    (b"Rar!", "This is a compressed file (RAR): unpack it first."),
)


class Refused(ValueError):
    """A file that is refused as a whole; the message is a sentence for whoever chose it."""


class Inspection:
    """What is found out of a file as its bytes pass by once; memory stays at its head."""

    def __init__(self, *, at_most: int = SIZE_MOST) -> None:
        self.size, self.head, self.at_most = 0, b"", at_most
        self.not_utf8_at: int | None = None
        self._hash = hashlib.sha256()
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def feed(self, chunk: bytes) -> None:
        """The next bytes; raises `Refused` once there are too many."""
        if self.size + len(chunk) > self.at_most:
            raise Refused(f"The file is larger than {self.at_most // 1024 // 1024} MiB: cut it into several.")
        if len(self.head) < HEAD:
            self.head += chunk[: HEAD - len(self.head)]
        self._hash.update(chunk)
        self._decode(chunk, final=False)
        self.size += len(chunk)

    def end(self) -> None:
        """All bytes have passed; raises `Refused` for what is no table at all."""
        self._decode(b"", final=True)
        if not self.size:
            raise Refused("The file is empty.")
        for mark, sentence in _NO_TABLES:
            if self.head.startswith(mark):
                raise Refused(sentence)
        start = self.head[:2048].lstrip(codecs.BOM_UTF8 + b" \t\r\n").lower()
        if start.startswith((b"<!doctype", b"<html", b"<table", b"<head", b"<?xml", b"<meta")):
            raise Refused("This is a web page saved as a table: open it in a spreadsheet and save it as CSV or XLSX.")

    @property
    def is_sheet(self) -> bool:
        return self.head.startswith(b"PK\x03\x04")

    def _decode(self, chunk: bytes, *, final: bool) -> None:
        if self.not_utf8_at is None:
            try:
                self._decoder.decode(chunk, final)
            except UnicodeDecodeError as error:
                pending = len(error.object) - len(chunk)
                self.not_utf8_at = max(0, self.size - pending + error.start)


def encoding(seen: Inspection, *, declared: str = "", proved: Iterable[str] = ()) -> str:
    """The codec of this file. `proved` are old encodings whose decoding gives a known dialect's headings.

    Raises `Refused`: an encoding nobody knows, bytes that are not of it, or no way to tell.
    """
    wanted = TEXTS.get(declared.strip().lower(), "") if declared else ""
    if declared and not wanted:
        raise Refused(f"{declared[:40]!r} is no encoding taken here; choose one of {', '.join(sorted(TEXTS))}.")
    marked = next((codec for mark, codec in _MARKS if seen.head.startswith(mark)), "")
    if wanted:
        if marked and wanted.removesuffix("-sig") != marked.removesuffix("-sig"):
            raise Refused(f"The file says that it is {NAMES[marked]}, and {NAMES[wanted]} was declared.")
        if wanted.startswith("utf-8") and seen.not_utf8_at is not None:
            raise Refused(f"The file is not UTF-8 text (byte {seen.not_utf8_at}).")
        return marked or wanted
    if marked == "utf-16":
        return marked
    if seen.not_utf8_at is None:
        if seen.head.count(b"\0") > len(seen.head) // 4:
            raise Refused("The file looks like UTF-16 without its mark: save it as UTF-8, or declare the encoding.")
        return marked or "utf-8"
    if not marked:
        for codec in proved:
            return codec
    raise Refused(
        f"The file is not UTF-8 text (byte {seen.not_utf8_at}), and nothing in it says what it is:"
        " declare its encoding, or save it as UTF-8."
    )


def headings(seen: Inspection, codec: str) -> str:
    """The first line that is not empty, as far as the head holds it; '' where it cannot be decoded."""
    try:
        text = codecs.getincrementaldecoder(codec)().decode(seen.head)
    except UnicodeDecodeError:
        return ""
    return next((line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()), "")


def lines(chunks: Iterable[bytes], codec: str) -> Iterator[str]:
    """Physical lines, each with one LF at its end; a longer line than 4 Mi characters is given as that much of it.

    Raises `Refused` where the bytes are not of this encoding.
    """
    decoder = codecs.getincrementaldecoder(codec)()
    rest, cut, ending = "", False, ""
    try:
        for chunk in chunks:
            text = rest + decoder.decode(chunk)
            ending = ending or _ending(text)
            if not ending and len(text) < LINE_MOST:
                rest = text
                continue
            found = text.split(ending or "\n")
            rest = found.pop()
            for line in found:
                if not cut:
                    yield line.removesuffix("\r")[:LINE_MOST] + "\n"
                cut = False
            if len(rest) > LINE_MOST:
                if not cut:
                    yield rest[:LINE_MOST] + "\n"
                rest, cut = "", True
        rest += decoder.decode(b"", True)
    except UnicodeError:
        raise Refused(f"The file is not {NAMES.get(codec, codec)} text all through: declare its encoding.") from None
    if rest and not cut:
        yield from (f"{line}\n" for line in rest.removesuffix("\r").split(ending or "\r"))


def _ending(text: str) -> str:
    """What ends its lines: LF, or CR where something else than LF follows one; '' where that cannot be told yet."""
    if "\n" in text:
        return "\n"
    return "\r" if "\r" in text[:-1] else ""
