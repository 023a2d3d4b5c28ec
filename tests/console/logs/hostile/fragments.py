"""Texts that do something to a terminal, to a reader's eye or to a parser, by what they do.

They are written here with their real characters. `lines` puts them into log lines.
"""

from collections.abc import Mapping

__all__ = ["EVERY", "FRAGMENTS", "NUMBERS", "TIMES", "TITLE"]

TITLE = "pwned"
"""What a terminal is called once any of these has reached it."""

_SGR = (0, 1, 4, 5, 7, 8, 31, "38;5;196", "38;2;255;0;0", "48;2;255;0;0", "4:3", "58:2::255:0:0")
_SETS = "?1 ?3 ?5 ?6 ?7 ?8 ?9 ?12 ?25 ?40 ?45 ?47 ?66 ?69 ?1000 ?1003 ?1004 ?1006 ?1007 ?1015 ?1047"
_MODES = f"{_SETS} ?1048 ?1049 ?2004 ?2026 ?2027 ?2031 ?2048 ?9001 2 4 12 20".split()
_CURSOR = "A B C D E F G H 3;3H 2J 3J K 9L 9M 9P 9X 9@ 9S 9T 5;9r 9b 3g I Z s u 2d 1;1;9;9$z"
_ASKS = "c >c =c 5n 6n ?6n ?15n ?996n x 0x >q ?2026$p 14t 18t 19t 20t 21t >0u ?u"
_WINDOW = "1t 2t 3;0;0t 4;10;10t 8;1;1t 9;1t 10;1t 22;0t 23;0t"
_OTHERS = '!p >1u >4;2m ?4m >5;1m 0q 4|  q 61"p 1"q'
_CSI = f"{_CURSOR} {_ASKS} {_WINDOW} {_OTHERS}".split()
_OSC = (
    f"0;{TITLE}",
    f"1;{TITLE}",
    f"2;{TITLE}",
    f"l{TITLE}",
    "4;1;rgb:ff/00/00",
    "4;1;?",
    "7;file://host/etc",
    "8;;http://evil.example/",
    "9;notify",
    "9;4;1;50",
    "10;#ff0000",
    "11;?",
    "12;red",
    "22;wait",
    "50;SetMark",
    "52;c;cHduZWQ=",
    "52;c;?",
    "104",
    "110",
    "133;A",
    "633;E;id",
    "777;notify;a;b",
    "1337;File=inline=1:AAAA",
    "P0ff0000",
    "R",
)
_STRINGS = (
    '\x1bP$q"p\x1b\\',
    "\x1bP+q544e\x1b\\",
    "\x1bP1$r0m\x1b\\",
    '\x1bPq"1;1;9;9#0;2;0;0;0~\x1b\\',
    f"\x1bPtmux;\x1b\x1b]0;{TITLE}\x07\x1b\\",
    "\x1b_Gf=100,a=T;AAAA\x1b\\",
    "\x1b^private\x1b\\",
    "\x1bXstart of string\x1b\\",
    f"\x1bk{TITLE}\x1b\\",
    "\x1b]0;never ended",
    "\x1bPnever ended",
)


def _around(*codes: int) -> tuple[str, ...]:
    return tuple(f"a{chr(code)}b" for code in codes)


_INVISIBLE = (
    *(0xAD, 0x34F, 0x115F, 0x1160, 0x17B4, 0x180B, 0x180E, 0x200B, 0x200C, 0x200D, 0x2060),
    *(0x2061, 0x206A, 0x2800, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF9, 0x1D173),
    *(0xE0001, 0xE0041, 0xE007F, 0xE0100, 0xE01EF),
)

FRAGMENTS: Mapping[str, tuple[str, ...]] = {
    "controls": tuple(chr(code) for code in (*range(10), *range(11, 32), 127)),
    "escapes": tuple(f"\x1b{final}" for final in "cDEHMNOVWZ789=<>FGlmno|}~\\"),
    "charsets": (*(f"\x1b{code}" for code in ("(0", ")0", "*0", "+0", "-A", "%G", "%@")), "\x0e"),
    "lines": (*(f"\x1b#{digit}" for digit in "34568"), "\x1b 7", "\x1b F", "\x1b G", "\x1b[2 q"),
    "csi": tuple(f"\x1b[{code}" for code in _CSI),
    "colours": tuple(f"\x1b[{code}m" for code in _SGR),
    "modes": tuple(f"\x1b[{mode}{final}" for mode in _MODES for final in "hl"),
    "paste": ("\x1b[200~q\r\x1b[201~", "\x1b[I", "\x1b[<0;1;1M", "\x1b[1;1R", "\x1b[?1;2c"),
    "osc": tuple(f"\x1b]{code}{end}" for code in _OSC for end in ("\x07", "\x1b\\")),
    "strings": _STRINGS,
    "c1": (
        *map(chr, range(0x80, 0xA0)),
        "\x9b31m",
        "\x9b?1049l",
        f"\x9d0;{TITLE}\x9c",
        f"\x9d0;{TITLE}\x07",
        '\x90$q"p\x9c',
        "\x9fGf=100;AAAA\x9c",
        "\xc2\x9b5m",
    ),
    "markup": (
        "[bold red]red[/]",
        "[/]",
        "[/nothing]",
        "[@click=app.quit]click[/]",
        "[link=http://evil.example/]link[/link]",
        "[on $error]variable[/]",
        "\\[escaped]",
        "[not closed",
        "[[[[[[[[",
        ":bomb: &amp; <b>html</b>",
        "%s %(name)s {0} {name!r} ${HOME} `id`",
    ),
    "bidi": tuple(
        f"a{chr(code)}gpj.exe" for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F))
    )
    + tuple(f"a{chr(code)}nimda{chr(0x2069)}" for code in range(0x2066, 0x206A))
    + ("\u05d0\u05d1\u05d2 123 abc", "\u0627\u0644\u0639 123 abc"),
    "invisible": (
        *_around(*_INVISIBLE),
        "\u200b" * 3_000,
        "a" + "\ufe0f" * 3_000,
    ),
    "marks": (
        *("a" + mark * 2_000 for mark in "\u0301\u0489\u20dd\u0e47\u1ab0\U0001e000"),
        *(mark * 2_000 for mark in "\u0301\u0903\u093e\u1162\u11a8\ud7b0"),
        "\u0e01\u0e33" * 50,
    ),
    "widths": (
        "\u65e5\u672c\u8a9e\u306e\u30ed\u30b0" * 30,
        "\uff57\uff49\uff44\uff45 \uff8a\uff9d\uff76\uff78",
        "\xb1\xd7\xf7\xa7\xb6\xb0\xb7\u2026\u2014\u03b1\u0436\u2460\u24b6\u25a0\u25b2\u2605",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f469\U0001f3fd\u200d\U0001f680",
        "\U0001f3f3\ufe0f\u200d\U0001f308 \U0001f1e9\U0001f1ea\U0001f1eb 1\ufe0f\u20e3",
        "\U0001f44d" + "\U0001f3fd" * 500,
        "\U0001f1e9" * 501,
        "\u1112\u1161\u11ab\u1100\u1173\u11af",
        "\u0928\u092e\u0938\u094d\u0924\u0947 \u0b95\u0bca \u0f56\u0f7c\u0f51 \u179f\u17d2",
        "\ufdfd\u2e3a\u2e3b\U0001242b\U0001242b\u0bf5\u4dc0\u2630\u3248\U0001d300",
        "a\u00a0b\u2003c\u3000d\u205fe\u1680f",
        "\u263a\ufe0e\u263a\ufe0f\u231a\ufe0e\u231a\u25b6\u25b6\ufe0f\xa9\xa9\ufe0f",
        "\U0001f9d1\u200d\U0001f9b2\U0001fae9",
    ),
    "nowhere": _around(0xE000, 0xF8FF, 0xF0000, 0x10FFFD, 0xFDD0, 0xFFFE, 0xFFFF, 0x10FFFF, 0x378),
    "newlines": tuple(f"before{c}{TITLE} after" for c in "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"),
    "secrets": ("postgresql://app:hunter2\x1b[8m@db/shop", "x" * 590 + "://u:hunter2@host/"),
}
"""What may stand in any text of a line."""

EVERY = tuple(text for texts in FRAGMENTS.values() for text in texts)

NUMBERS = (
    *("-0", "-0.0", "-1", "1e999", "-1e999", "1e-999", "1E400", "0.1e1", "99", "1000", "200.5"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "1" * 40, "9" * 4_000),
    *("0." + "3" * 4_000, "1e" + "9" * 400, "NaN", "Infinity", "-Infinity", "0x1F4", "1_000", "+5"),
    *("true", "null", "[]", "{}", '""', '"1e999"', '"-5ms"', '"9999999h"', '"\\ud800"'),
)
"""What may stand in the place of a number in JSON; not all of it is JSON."""

TIMES = (
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "9999-99-99T99:99:99Z", "99999-01-01"),
    *(
        "0000-00-00 00:00:00",
        "2026-02-30T00:00:00Z",
        "2026-01-15T24:00:00Z",
        "1969-12-31T23:59:59Z",
    ),
    *("2026-01-15T10:30:60Z", "2026-01-15T10:30:00+99:99", "0001-01-01T00:00:00+23:59"),
    *(
        "9999-12-31T23:59:59-23:59",
        "2026-01-15T10:30:00.999999999999999999Z",
        "\u0662\u0660\u0662\u0666-01-15T10:30:00Z",
    ),
    *("99999999999", "100000000000", "9" * 20, "-1", "Jan 99 99:99:99", "Feb 29 10:30:00"),
)
"""Times far outside of any calendar, and what looks like one."""
