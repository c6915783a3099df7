"""Checking Ed25519 signatures in plain Python, for machines without a compiled library. It can not sign.

RFC 8032 with the choices of libsodium, so that both give every signature the same verdict: S below the group's order,
the key canonical, on the curve and not of small order, R not of small order, and S·B − h·A spelt exactly as R.
Everything here is public, so nothing need take constant time.
"""

from functools import lru_cache
from hashlib import sha512
from typing import TypeAlias

P = 2**255 - 19
_D = -121665 * pow(121666, -1, P) % P
_L = 2**252 + 27742317777372353535851937790883648493
_ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
_Y_BITS = (1 << 255) - 1

_ORDER_8_Y = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL_ORDER_YS = frozenset((0, 1, P - 1, _ORDER_8_Y, P - _ORDER_8_Y))
"""The y of the eight points whose order divides 8; those of order 8 are the roots of d·y⁴ + 2·y² − 1."""
_BASE_Y = 4 * pow(5, -1, P) % P

_Affine: TypeAlias = tuple[int, int]
_Point: TypeAlias = tuple[int, int, int, int]
"""Extended coordinates: X, Y, Z and T = X·Y/Z."""
_Addend: TypeAlias = tuple[int, int, int, int]
"""A point to be added many times: Y − X, Y + X, 2·d·T and 2·Z."""

_NEUTRAL: _Point = (0, 1, 1, 0)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` (64 bytes) is the one of this public key (32 bytes) over `message`."""
    if len(public) != 32 or len(signature) != 64:
        return False
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    multiples = _multiples_of_negative(public)
    if s >= _L or multiples is None or _y_of(r) in SMALL_ORDER_YS:
        return False
    h = int.from_bytes(sha512(r + public + message).digest(), "little") % _L
    return _encode(_two_products(s, _multiples_of_base(), h, multiples)) == r


@lru_cache(maxsize=8192)
def weakness(public: bytes) -> str | None:
    """Say why 32 bytes are no acceptable Ed25519 public key, or None if they are one.

    LOG_FORMATS section 2: non-canonical y, not on the curve, x = 0 with the sign bit, or of small order.
    """
    if len(public) != 32:
        return "length"
    sign, y = public[31] >> 7, int.from_bytes(public, "little") & _Y_BITS
    if y >= P:
        return "non-canonical"
    x = _recover_x(y)
    if x is None:
        return "not on the curve"
    if x == 0 and sign:
        return "non-canonical"
    return "small order" if y in SMALL_ORDER_YS else None


def _y_of(encoded: bytes) -> int:
    return (int.from_bytes(encoded, "little") & _Y_BITS) % P


def _recover_x(y: int) -> int | None:
    """Return an x of the point with this y, of either sign; None where the curve has none."""
    above, below = (y * y - 1) % P, (_D * y * y + 1) % P
    # RFC 8032 section 5.1.3: one power gives quotient and root together.
    x = above * below**3 * pow(above * below**7, (P - 5) // 8, P) % P
    found = below * x * x % P
    if found == above:
        return x
    return x * _ROOT_OF_MINUS_ONE % P if found == P - above or (found == 0 and above == 0) else None


def _decode(public: bytes) -> _Affine | None:
    if weakness(public) is not None:
        return None
    y = _y_of(public)
    x = _recover_x(y)
    return None if x is None else (x if x & 1 == public[31] >> 7 else P - x, y)


def _encode(point: _Point) -> bytes:
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _extended(point: _Affine) -> _Point:
    x, y = point
    return x, y, 1, x * y % P


def _addend(point: _Point) -> _Addend:
    x, y, z, t = point
    return y - x, y + x, 2 * _D * t % P, 2 * z


def _add(point: _Point, other: _Addend) -> _Point:
    x, y, z, t = point
    minus, plus, product, double_z = other
    a, b, c, d = (y - x) * minus % P, (y + x) * plus % P, t * product % P, z * double_z % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _double(point: _Point) -> _Point:
    x, y, z, _ = point
    a, b = x * x % P, y * y % P
    h, g = a + b, a - b
    e, f = h - (x + y) ** 2, 2 * z * z + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def _multiples(point: _Affine) -> tuple[_Addend, ...]:
    """Return the point times 0 to 15."""
    one = _addend(_extended(point))
    found = [_NEUTRAL]
    for _ in range(15):
        found.append(_add(found[-1], one))
    return tuple(_addend(multiple) for multiple in found)


@lru_cache(maxsize=1)
def _multiples_of_base() -> tuple[_Addend, ...]:
    base = _decode(_BASE_Y.to_bytes(32, "little"))
    return _multiples(base) if base is not None else ()


@lru_cache(maxsize=4096)
def _multiples_of_negative(public: bytes) -> tuple[_Addend, ...] | None:
    """Return the negative of a key times 0 to 15; None for a key that is not acceptable."""
    point = _decode(public)
    return None if point is None else _multiples((P - point[0], point[1]))


def _two_products(s: int, base: tuple[_Addend, ...], h: int, other: tuple[_Addend, ...]) -> _Point:
    """Return s times one point plus h times another, four bits of both at a time."""
    total = _NEUTRAL
    for shift in range(252, -1, -4):
        total = _double(_double(_double(_double(total))))
        total = _add(_add(total, base[s >> shift & 15]), other[h >> shift & 15])
    return total
