"""The language of the customers' pages: the first of ours that the visitor's browser asks for, else English."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import translation

View = Callable[..., HttpResponseBase]


def spoken(view: View) -> View:
    """The same view, its page in the visitor's language. The desk stays in English, whatever a browser asks for."""

    @wraps(view)
    def in_their_language(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        language = translation.get_language_from_request(request)
        with translation.override(language):
            answer = view(request, *args, **kwargs)
        is_page = answer.headers.get("Content-Type", "").startswith("text/html") and "Location" not in answer.headers
        if is_page:
            answer.headers.setdefault("Content-Language", language)
        return answer

    return in_their_language
