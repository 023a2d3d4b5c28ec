"""How an answer is framed, and what cannot be."""

import re
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http1.answer import Answer, Unframed

PLAIN = [(b"content-type", b"text/plain")]


def sent(answer: Answer, status: int, headers: list[tuple[bytes, bytes]], *parts: bytes) -> bytes:
    return answer.head(status, headers) + b"".join(map(answer.part, parts)) + answer.end()


CHUNKED = b"transfer-encoding: chunked\r\n"
CLOSING = b"connection: close\r\n"
FRAMED: list[tuple[str, int, list[tuple[bytes, bytes]], list[bytes], bytes]] = [
    ("GET 1.1", 200, [(b"content-length", b"2")], [b"ab"], b"content-length: 2\r\n\r\nab"),
    ("GET 1.1", 200, [], [b"ab", b"", b"c"], CHUNKED + b"\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
    ("GET 1.0", 200, [], [b"ab"], CLOSING + b"\r\nab"),
    ("HEAD 1.1", 200, [(b"Content-Length", b"9")], [], b"content-length: 9\r\n\r\n"),
    ("HEAD 1.1", 200, [], [], b"\r\n"),
    ("DELETE 1.1", 204, [], [], b"\r\n"),
    ("GET 1.1", 304, PLAIN, [], b"content-type: text/plain\r\n\r\n"),
    ("GET 1.1", 204, [(b"connection", b"Close")], [], CLOSING + b"\r\n"),
    # What the application says of the connection's own business is not repeated.
    ("GET 1.1", 200, [(b"Transfer-Encoding", b"gzip")], [], CHUNKED + b"\r\n0\r\n\r\n"),
    ("GET 1.1", 200, [(b"connection", b"x")], [], CHUNKED + b"\r\n0\r\n\r\n"),
]


@pytest.mark.parametrize("case", FRAMED)
def test_framing(case):
    request, status, headers, parts, expected = case
    method, version = request.split()
    answer = Answer(method, version, persists=version == "1.1")
    line, _, rest = sent(answer, status, headers, *parts).partition(b"\r\n")
    assert line == b"HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase.encode())
    assert rest == expected
    assert answer.ended
    assert answer.persists is (CLOSING not in expected)


def test_connection_that_the_client_closes_is_said_to_close():
    answer = Answer("GET", "1.1", persists=False)
    assert b"\r\nconnection: close\r\n" in answer.head(204, [])


@pytest.mark.parametrize("length", [b"", b"-1", b"1 ", b"1, 1", b"0x1"])
def test_content_length_is_a_number(length):
    with pytest.raises(Unframed):
        Answer("GET", "1.1", persists=True).head(200, [(b"content-length", length)])


def test_answer_is_as_long_as_it_says():
    answer = Answer("GET", "1.1", persists=True)
    answer.head(200, [(b"content-length", b"3")])
    answer.part(b"ab")
    with pytest.raises(Unframed, match="shorter"):
        answer.end()
    with pytest.raises(Unframed, match="longer"):
        answer.part(b"cd")
    assert not answer.ended


@given(
    st.lists(
        st.tuples(
            st.text(alphabet="abc-", min_size=1).map(str.encode),
            st.binary(max_size=12) | st.sampled_from([b"a\r\nset-cookie: b", b"\n", b"\r", b"\0"]),
        ),
        max_size=4,
    )
)
def test_no_value_can_be_another_field(headers):
    try:
        head = Answer("GET", "1.1", persists=True).head(204, headers)
    except Unframed:
        assert re.search(rb"[\r\n\0]", b"".join(name + value for name, value in headers))
    else:
        assert head.endswith(b"\r\n\r\n")
        assert len(head.split(b"\r\n")) == len(headers) + 3
