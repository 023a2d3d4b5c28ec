"""A throw-away certificate authority, in nothing but the standard library.

ECDSA on P-256 (FIPS 186-5) and just enough DER (X.690) for an X.509 certificate. It is neither fast
nor safe from timing, and need not be: its keys live as long as a test, and OpenSSL checks its work.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
GX = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
GY = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5

Point = tuple[int, int] | None


def add(a: Point, b: Point) -> Point:
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(scalar: int, point: Point = (GX, GY)) -> Point:
    result: Point = None
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def sign(key: int, message: bytes) -> bytes:
    digest = int.from_bytes(hashlib.sha256(message).digest())
    nonce = secrets.randbelow(N - 1) + 1
    point = multiply(nonce)
    assert point is not None
    r = point[0] % N
    s = pow(nonce, -1, N) * (digest + r * key) % N
    return sequence(integer(r), integer(s))


def der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*parts: bytes) -> bytes:
    return der(0x30, b"".join(parts))


def integer(value: int) -> bytes:
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1))


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    content = bytes([40 * first + second])
    for number in rest:
        octets = [number & 0x7F]
        while number := number >> 7:
            octets.append(0x80 | number & 0x7F)
        content += bytes(reversed(octets))
    return der(0x06, content)


def bits(content: bytes, unused: int = 0) -> bytes:
    return der(0x03, bytes([unused]) + content)


def octets(content: bytes) -> bytes:
    return der(0x04, content)


def name(common: str) -> bytes:
    return sequence(der(0x31, sequence(oid("2.5.4.3"), der(0x0C, common.encode()))))


def moment(when: datetime) -> bytes:
    return der(0x18, f"{when:%Y%m%d%H%M%SZ}".encode())


def extension(dotted: str, content: bytes, *, critical: bool = False) -> bytes:
    return sequence(oid(dotted), *([der(0x01, b"\xff")] if critical else []), octets(content))


ECDSA_WITH_SHA256 = sequence(oid("1.2.840.10045.4.3.2"))
EC_P256 = sequence(oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7"))


def pem(label: str, content: bytes) -> str:
    text = base64.encodebytes(content).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"


class Key:
    def __init__(self) -> None:
        self.secret = secrets.randbelow(N - 1) + 1
        point = multiply(self.secret)
        assert point is not None
        self.public = b"\x04" + point[0].to_bytes(32) + point[1].to_bytes(32)
        self.id = hashlib.sha1(self.public).digest()

    def pem(self) -> str:
        private = sequence(integer(1), octets(self.secret.to_bytes(32)))
        return pem("PRIVATE KEY", sequence(integer(0), EC_P256, octets(private)))


@dataclass(frozen=True)
class Issued:
    """A server's certificate and its key, as PEM."""

    certificate: str
    key: str


class Authority:
    """`certificate` is its own, as PEM."""

    def __init__(self) -> None:
        self._key = Key()
        self._name = name("throw-away authority")
        self.certificate = self._certificate(
            self._name,
            self._key,
            timedelta(days=365),
            extension("2.5.29.19", sequence(der(0x01, b"\xff")), critical=True),  # a CA
            extension("2.5.29.15", bits(b"\x06", 1), critical=True),  # may sign certificates
        )

    def issue(self, *hosts: str, life: timedelta = timedelta(days=90)) -> Issued:
        """A certificate for a server of these names and addresses."""
        key = Key()
        certificate = self._certificate(
            name(hosts[0]),
            key,
            life,
            extension("2.5.29.17", sequence(*map(alternative, hosts))),
            extension("2.5.29.37", sequence(oid("1.3.6.1.5.5.7.3.1"))),  # for servers
        )
        return Issued(certificate, key.pem())

    def _certificate(self, subject: bytes, key: Key, life: timedelta, *more: bytes) -> str:
        now = datetime.now(UTC)
        content = sequence(
            der(0xA0, integer(2)),
            integer(secrets.randbits(63)),
            ECDSA_WITH_SHA256,
            self._name,
            sequence(moment(now - timedelta(days=1)), moment(now + life)),
            subject,
            sequence(EC_P256, bits(key.public)),
            der(
                0xA3,
                sequence(
                    extension("2.5.29.14", octets(key.id)),
                    extension("2.5.29.35", sequence(der(0x80, self._key.id))),
                    *more,
                ),
            ),
        )
        signature = bits(sign(self._key.secret, content))
        return pem("CERTIFICATE", sequence(content, ECDSA_WITH_SHA256, signature))


def alternative(host: str) -> bytes:
    """A name or an address as a subjectAltName has it."""
    try:
        return der(0x87, ip_address(host).packed)
    except ValueError:
        return der(0x82, host.encode())
