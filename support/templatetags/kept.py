"""Parts of a page that are drawn once for equal values, and then for everybody to whom the same is shown."""

from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from django.template import Context, Library, Node, TemplateSyntaxError
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = Library()

AT_MOST = 256
"""Drawings of one part that a process keeps; then it begins anew."""


class KeptNode(Node):
    """Draws its part of the values it names and of nothing else: what it does not name, it cannot show.

    So nobody sees what was drawn for another, unless it is what is drawn for themselves.
    """

    def __init__(self, values: Mapping[str, FilterExpression], nodelist: NodeList) -> None:
        self.values = values
        self.nodelist = nodelist
        self.drawings: dict[Hashable, SafeString] = {}

    def render(self, context: Context) -> SafeString:
        found = {name: value.resolve(context, ignore_failures=True) for name, value in self.values.items()}
        key = (get_language(), context.autoescape, *map(_key, found.values()))
        drawn = self.drawings.get(key)
        if drawn is None:
            alone = Context(found, autoescape=context.autoescape)
            assert context.template is not None
            with alone.bind_template(context.template), alone.render_context.push_state(context.template):
                drawn = self.nodelist.render(alone)
            if len(self.drawings) >= AT_MOST:
                self.drawings.clear()
            self.drawings[key] = drawn
        return drawn


@register.tag
def kept(parser: Parser, token: Token) -> KeptNode:
    """`{% kept name=value … %}` until `{% endkept %}`: texts, numbers, and lists and dicts of them, are its values."""
    bits = token.split_contents()[1:]
    values = token_kwargs(bits, parser)
    if bits:
        raise TemplateSyntaxError("kept takes values by name, as in {% kept title=title %}.")
    nodelist = parser.parse(("endkept",))
    parser.delete_first_token()
    return KeptNode(values, nodelist)


def _key(value: Any) -> Hashable:
    """The same for equal values of the same types alone: a text is not yet safe because an equal one is.

    Raises TypeError for what may show more than can be compared, such as a row or a request.
    """
    if isinstance(value, Promise):
        value = str(value)
    if value is None or isinstance(value, str | int):
        return type(value), value
    if isinstance(value, Mapping):
        return dict, tuple((_key(name), _key(one)) for name, one in value.items())
    if isinstance(value, list | tuple):
        return type(value), tuple(map(_key, value))
    if is_dataclass(value) and not isinstance(value, type):
        return type(value), tuple(_key(getattr(value, field.name)) for field in fields(value))
    raise TypeError(f"A part of a page is kept by texts, numbers, lists and dicts of them, not by {type(value)}.")
