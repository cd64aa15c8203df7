"""What counts as asking for a product or a price: tables in five languages, and what the organization may change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution import enquiries
from attribution.enquiries import PRICE, PRODUCT, Enquiry, Policy, Rules

CATALOGUE = (
    ("EBOOK-TIDE-EN", "Tide Atlas: English edition"),
    ("EBOOK-HARB-EN", "Harbour Sketches"),
    ("G-1", "Guide"),
    ("K", "Ay"),
    ("LANTERN", "Lanternarium"),
)
RULES = Rules(catalogue=CATALOGUE)


def tags(text: str, rules: Rules = RULES) -> list[str]:
    return [found.tag for found in rules.in_text(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Bu kitap ne kadar?", "FİYATI NEDİR", "fiyatını öğrenebilir miyim", "Kaç TL acaba", "indirimli mi",
        "How much is it?", "what's the PRICE", "Any discounts?", "what does it cost",
        "Was kostet das?", "Wie viel kostet der Band", "Der Preis bitte", "Gibt es Rabatt?",
        "C'est combien ?", "Quel est le prix?", "Combien ça coûte", "vos tarifs",
        "¿Cuánto cuesta?", "Cuanto vale esto", "el precio por favor",
    ],
)  # fmt: skip
def test_price_words_of_five_languages(text):
    assert tags(text) == [PRICE]


@pytest.mark.parametrize(
    "text",
    [
        "Teslimat ne kadar sürer?", "how much time do I have", "Combien de temps faut-il", "Wie viel Zeit bleibt",
        "Does it come as EPUB?", "my order is here", "costume", "Hi, is order LP1071 on its way?", "", "?!",
        "can you guide me", "ay", "the tide is high in this atlas",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_none(text):
    assert tags(text) == []


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("Is the Tide Atlas printed?", "Tide Atlas: English edition"),
        ("tide-atlas pdf", "Tide Atlas: English edition"),
        ("Tide Atlas'ın Türkçesi var mı", "Tide Atlas: English edition"),
        ("about ebook-harb-en", "Harbour Sketches"),
        ("HARBOUR   SKETCHES??", "Harbour Sketches"),
        ("is lanternarium any good", "Lanternarium"),
    ],
)
def test_names_and_skus_of_the_catalogue_are_products(text, called):
    (found,) = RULES.in_text(text)
    assert (found.tag, found.because) == (PRODUCT, f"names “{called}”")


def test_the_sentence_that_said_so_is_kept():
    text = "Hello there. I liked the Harbour Sketches! But how much is the next one? Thanks."
    assert RULES.in_text(text) == (
        Enquiry(PRODUCT, "names “Harbour Sketches”", "I liked the Harbour Sketches!"),
        Enquiry(PRICE, "says “how much”", "But how much is the next one?"),
    )


def test_a_long_sentence_is_cut_around_what_was_found():
    (found,) = RULES.in_text("word " * 100 + "price " + "word " * 100)
    assert len(found.sentence) <= 200 and "price" in found.sentence


def test_labels_and_pages_tell_too():
    assert RULES.in_labels(["pricing", "vip"]) == (Enquiry(PRICE, "tagged “pricing”"),)
    assert [found.tag for found in RULES.in_labels(["Product_Inquiry", "price_check"])] == [PRODUCT, PRICE]
    assert RULES.in_labels(["vip", "?"]) == ()
    page = "https://lanternpress.example/products/tide-atlas?ref=1"
    assert RULES.in_page(page) == (Enquiry(PRODUCT, "began on the page of “Tide Atlas: English edition”"),)
    for other in ("", "https://lanternarium.example/", "https://x.example/?q=tide-atlas", "nonsense"):
        assert RULES.in_page(other) == ()


def test_an_organization_has_words_of_its_own():
    policy = enquiries.checked(
        {"price_words": ["szia ár*"], "product_words": ["kötet", "-guide"], "price_labels": ["ár"]}
    )
    rules = Rules(policy, CATALOGUE)
    assert tags("szia ára?", rules) == [PRICE] and tags("how much", rules) == []
    assert tags("melyik KÖTET?", rules) == [PRODUCT]
    assert [found.tag for found in rules.in_labels(["Ar"])] == [PRICE]


@pytest.mark.parametrize(
    "values",
    [
        {"keep_days": -1}, {"keep_days": True}, {"keep_days": "30"}, {"keep_days": 5000},
        {"price_words": "price"}, {"price_words": [5]}, {"price_words": ["*"]}, {"price_words": ["x" * 101]},
        {"product_labels": ["a"] * 201},
    ],
)  # fmt: skip
def test_terms_that_cannot_be_used_are_refused_and_read_as_the_usual(values):
    with pytest.raises(ValueError, match=r"\w+"):
        enquiries.checked(values)
    assert enquiries.read({"conversations": values}) == enquiries.USUAL
    assert enquiries.read({}) == enquiries.USUAL == Policy()


@given(st.text(max_size=300))
def test_any_text_is_read_and_its_sentence_is_a_piece_of_it(text):
    for found in RULES.in_text(text):
        assert found.sentence in text and len(found.sentence) <= 200
    RULES.in_page(text)
