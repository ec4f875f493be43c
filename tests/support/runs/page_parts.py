"""A page as a browser sees it: elements, their attributes and texts."""

import base64
import html.parser
import io

from matplotlib import image

VOID = {"img", "meta"}


class PageParts(html.parser.HTMLParser):
    """Every element as a tuple of tag, attributes and text parts."""

    def __init__(self, text):
        super().__init__()
        self.html = text
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
        """Returns attributes and text of the elements of a tag and class."""
        return [
            (attributes, "".join(texts).replace("\xa0", " "))
            for name, attributes, texts in self.elements
            if name == tag
            and (kind is None or kind in attributes.get("class", "").split())
        ]

    def all(self, tag, kind=None):
        return [attributes for attributes, _ in self.elements_of(tag, kind)]

    def texts(self, tag, kind=None):
        return [text for _, text in self.elements_of(tag, kind)]

    @property
    def rows(self):
        """The texts of the cells of every table row that has any."""
        cells, rows = iter(self.texts("td")), []
        for tag, _, _ in self.elements:
            if tag == "tr":
                rows.append([])
            elif tag == "td":
                rows[-1].append(next(cells))
        return [row for row in rows if row]


def decode_image(address):
    """Decodes a `data:` address to floats `(height, width, 4)`."""
    kind, _, data = address.partition(",")
    assert kind == "data:image/png;base64"
    return image.imread(io.BytesIO(base64.b64decode(data)))
