"""The parser of forms: however a body is cut, it gives the same; whatever comes, it fails in one way or is one file."""

from contextlib import suppress
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.http.multipart import OneFile
from api.problems import HttpError

FIELDS = frozenset({"class", "sha256"})
TYPE = "multipart/form-data; boundary=edge"
PIECES = st.sampled_from(
    [
        b"--edge", b"--edge--", b"\r\n", b"\n", b"--", b'content-disposition: form-data; name="file"',
        b'content-disposition: form-data; name="class"', b"content-type: text/plain", b"personal", b"\x00",
    ]
)  # fmt: skip
BODIES = st.lists(PIECES | st.binary(max_size=20), max_size=30).map(b"".join)
CONTENT = st.lists(st.sampled_from([b"\r\n--edg", b"--edge", b"\r", b"\n", b"-"]) | st.binary(max_size=40)).map(
    b"".join
)


def taken(body: bytes, cuts: list[int]) -> tuple[bytes, dict[str, str], str | None] | str:
    """What the parser makes of a body that comes cut in places; its code where it refuses."""
    form, content = OneFile(TYPE, FIELDS), b""
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    try:
        for start, end in pairwise(edges):
            content += b"".join(form.feed(body[start:end]))
        form.finish()
    except HttpError as error:
        return error.code
    return content, form.fields, form.media_type


@given(content=CONTENT, cuts=st.lists(st.integers(0, 400), max_size=8))
def test_what_is_sent_is_what_comes_however_it_is_cut(content: bytes, cuts: list[int]) -> None:
    if b"\r\n--edge" in content:
        return
    head = b'--edge\r\ncontent-disposition: form-data; name="class"\r\n\r\ndeciding\r\n'
    head += b'--edge\r\ncontent-disposition: form-data; name="file"; filename="../x"\r\n'
    head += b"content-type: Text/Plain\r\n\r\n"
    body = head + content + b"\r\n--edge--\r\n"
    assert taken(body, cuts) == (content, {"class": "deciding"}, "text/plain")


@given(body=BODIES, cuts=st.lists(st.integers(0, 400), max_size=8))
def test_whatever_comes_is_refused_or_one_file_and_cuts_change_nothing(body: bytes, cuts: list[int]) -> None:
    whole = taken(body, [])
    assert taken(body, cuts) == whole
    if isinstance(whole, str):
        assert whole == "MULTIPART_INVALID"
    else:
        assert len(whole[0]) < len(body)
        assert whole[1].keys() <= FIELDS


@given(text=st.text(st.characters(max_codepoint=255), max_size=60))
def test_no_content_type_breaks_the_parser(text: str) -> None:
    for given_type in (text, f"multipart/form-data; boundary={text}", f"multipart/form-data; {text}=x"):
        with suppress(HttpError):
            OneFile(given_type, FIELDS)
