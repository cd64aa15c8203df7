"""What a shop says of its customer's language."""

import pytest

from orders import locales


@pytest.mark.parametrize(
    ("given_", "kept"),
    [("de", "de"), ("de_DE", "de-DE"), ("pt-br", "pt-BR"), ("zh-Hant-TW", "zh-hant-TW"), ("auto", ""), ("x" * 40, ""),
     ("d", ""), ("de;q=1", ""), ("<b>", ""), ("", "")],
)  # fmt: skip
def test_a_locale_is_kept_as_a_tag_or_not_at_all(given_: str, kept: str) -> None:
    assert locales.tag(given_) == kept
