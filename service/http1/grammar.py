"""The parts of RFC 9112 that a request is made of.

Quantifiers give nothing back (`++`, `*+`): no input makes a pattern take more than one pass.
"""

import re

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_VALUE = rb"[\t -~\x80-\xff]*+"
_FIELD = rb"%s:%s\r\n" % (_TOKEN, _VALUE)

REQUEST_LINE = re.compile(rb"(%s) ([!-~]++) HTTP/([0-9]++(?:\.[0-9]++)?)\r\n" % _TOKEN)
FIELD = re.compile(_FIELD)
FIELDS = re.compile(rb"(?:%s)*+\r\n" % _FIELD)
ID_LINE = re.compile(rb"\r\nx-request-id:[ \t]*+([^\r]*)", re.IGNORECASE)
CONTENT_LENGTH = re.compile(rb"[0-9]{1,18}")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*+;%s)?\r\n" % _VALUE)
ABSOLUTE_TARGET = re.compile(rb"https?://([^/?#@]+)([/?].*)?", re.IGNORECASE)
# A line feed or a carriage return by itself: no more of it makes it a line's end.
LONE = re.compile(rb"(?<!\r)\n|\r(?=[^\n])")
