"""Text as plain ASCII: transport files hold nothing else, and nothing may vanish on the way.

Each sign has one written replacement; letters with accents lose the accent; German umlauts become two letters, as
German registries write them. A sign that is in no table is not guessed: it is reported, and the text is refused.

>>> plain("Müller: ≥ 38 °C, 5 µg").text
'Mueller: >= 38 degC, 5 ug'
>>> plain("発熱").unknown
('発', '熱')
"""

import unicodedata
from dataclasses import dataclass

REPLACEMENTS = {
    "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss",
    "æ": "ae", "Æ": "Ae", "ø": "o", "Ø": "O", "å": "aa", "Å": "Aa", "œ": "oe", "Œ": "Oe",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i",
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "κ": "kappa", "λ": "lambda", "Δ": "Delta",
    "µ": "u", "μ": "u", "Ω": "Ohm", "°": "deg", "º": "o", "ª": "a",
    "≥": ">=", "≤": "<=", "≠": "<>", "≈": "~", "±": "+/-", "×": "x", "÷": "/", "·": ".", "∙": ".", "−": "-",
    "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "•": "-", "→": "->", "←": "<-",
    "↑": "increased", "↓": "decreased",
    "‘": "'", "’": "'", "‚": "'", "′": "'", "´": "'", "“": '"', "”": '"', "„": '"', "″": '"', "«": '"', "»": '"',
    "…": "...", "¼": "1/4", "½": "1/2", "¾": "3/4", "⁄": "/", "‰": "/1000", "²": "2", "³": "3", "¹": "1",
    "€": "EUR", "£": "GBP", "§": "section ", "®": "(R)", "™": "(TM)", "©": "(C)", "∞": "infinity",
    "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2002": " ", "\u2003": " ", "\u200b": "", "\ufeff": "", "\u00ad": "",
    "\n": " ", "\r": " ", "\t": " ",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text in ASCII, and the signs that no table could write."""

    text: str
    unknown: tuple[str, ...]


def plain(text: str) -> PlainText:
    """The text in printable ASCII, line breaks as blanks, without blanks at its ends."""
    if text.isascii() and text.isprintable():
        return PlainText(text.strip(" "), ())
    written, unknown = [], []
    for sign in unicodedata.normalize("NFC", text).replace("\r\n", "\n"):
        if sign.isascii() and sign.isprintable():
            written.append(sign)
        elif sign in REPLACEMENTS:
            written.append(REPLACEMENTS[sign])
        else:
            letters = "".join(c for c in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(c))
            if letters and letters.isascii() and letters.isprintable():
                written.append(letters)
            else:
                unknown.append(sign)
    return PlainText("".join(written).strip(" "), tuple(unknown))
