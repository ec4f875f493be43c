"""A page as a browser sees it: elements, their attributes and texts."""

import base64
import html.parser
import io

from matplotlib import image

VOID = {"img", "meta"}


class PageParts(html.parser.HTMLParser):
    """Every element as a tuple of tag, attributes and own text parts."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.open = []
        self.feed(text)
        self.close()
        assert not self.open, f"{self.open} is not closed"

    def handle_starttag(self, tag, attrs):
        element = (tag, dict(attrs), [])
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1][0] == tag, f"stray </{tag}>"
        self.open.pop()

    def handle_data(self, data):
        for _, _, texts in self.open:
            texts.append(data)

    def elements_of(self, tag, kind=None):
        """Returns all elements of a tag (and a class)."""
        return [
            (attributes, "".join(texts).replace("\xa0", " "))
            for name, attributes, texts in self.elements
            if name == tag
            and (kind is None or kind in attributes.get("class", "").split())
        ]

    def all(self, tag, kind=None):
        """Returns the attributes of all elements of a tag (and a class)."""
        return [attributes for attributes, _ in self.elements_of(tag, kind)]

    def texts(self, tag, kind=None):
        """Returns the whole text of each element of a tag (and a class)."""
        return [text for _, text in self.elements_of(tag, kind)]


def rows_of(text):
    """Returns the texts of the cells of every table row that has any."""
    parts = PageParts(text)
    cells, rows = iter(parts.texts("td")), []
    for row in text.split("<tr")[1:]:
        count = row.count("<td")
        if count:
            rows.append([next(cells) for _ in range(count)])
    return rows


def decode_image(address):
    """Decodes a `data:` address to floats `(height, width, 4)`."""
    kind, _, data = address.partition(",")
    assert kind == "data:image/png;base64"
    return image.imread(io.BytesIO(base64.b64decode(data)))
