"""A page as a list of its elements and its words."""

from html.parser import HTMLParser


class Elements(HTMLParser):
    """Every start tag with its attributes, and all text outside of scripts and styles."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._raw = False
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        self._raw = tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        self.text += "" if self._raw else f" {data}"

    def handle_endtag(self, tag: str) -> None:
        self._raw = self._raw and tag not in {"script", "style"}

    @property
    def words(self) -> str:
        return " ".join(self.text.replace("\u00a0", " ").split())
