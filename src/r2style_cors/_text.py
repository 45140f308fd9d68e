"""How values of others are shown: those of a request in logs and bodies, escaped and cut; any text on a terminal."""

from __future__ import annotations

MAX_SHOWN = 200


def shown(value: str) -> str:
    r"""`value` with everything outside 0x20-0x7E as `\xNN`, at most 200 characters of it (SEMANTICS 4.3, 8.2)."""
    return "".join(
        character
        if " " <= character <= "~"
        else character.encode("ascii", "backslashreplace").decode()
        if character > "\x7f"
        else f"\\x{ord(character):02x}"
        for character in value[:MAX_SHOWN]
    )[:MAX_SHOWN]


def visible(text: str) -> str:
    """`text` with everything escaped that cannot be seen, or that would move what stands beside it; for people's own files."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape", "replace").decode() for one in text)


def error_xml(code: str, message: str, *elements: tuple[str, str]) -> bytes:
    """S3's and R2's error document. `message` and the values of `elements` are escaped here."""
    from xml.sax.saxutils import escape

    inner = "".join(
        f"<{name}>{escape(text)}</{name}>" for name, text in (("Code", code), ("Message", message), *elements)
    )
    return f"<Error>{inner}</Error>".encode("ascii", "xmlcharrefreplace")
