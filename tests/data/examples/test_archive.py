"""Hostile and damaged archives: one clear line, and nothing written."""

from __future__ import annotations

import gzip
import io
import math
import os
import random
import tarfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecast.data.examples.archive import Limits, extract_safely, read_archive, read_member
from gatecast.errors import DatasetError


def member(name: str, data: bytes = b"a,b\n1,2\n", kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = len(data) if kind == tarfile.REGTYPE else 0
    return info, data


def tgz(*members: tuple) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return packed.getvalue()


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def refusal(tmp_path: Path, packed: bytes, limits: Limits | None = None) -> str:
    """The message of both ways in; fails if either takes the archive or anything is written."""
    limits = limits or Limits()
    archive = tmp_path / "in" / "hostile.tgz"
    archive.parent.mkdir()
    archive.write_bytes(packed)
    with pytest.raises(DatasetError) as unpacking:
        extract_safely(archive, tmp_path / "in" / "out", limits)
    with pytest.raises(DatasetError) as reading:
        read_member(packed, ".csv", "hostile.tgz", limits)
    assert files_below(tmp_path) == {"in", "in/hostile.tgz"}
    for message in (str(unpacking.value), str(reading.value)):
        assert "\n" not in message
        assert "hostile.tgz" in message
    return str(unpacking.value)


GOOD = member("good/table.csv")

UNSAFE = {
    "parent": (member("../evil.csv"), "leads out of the folder"),
    "parent inside": (member("good/../../evil.csv"), "leads out of the folder"),
    "parent of Windows": (member("good\\..\\evil.csv"), "leads out of the folder"),
    "absolute": (member("/tmp/gatecast-evil.csv"), "has an absolute path"),
    "absolute of Windows": (member("C:\\evil.csv"), "has an absolute path"),
    "share of Windows": (member("\\\\server\\share\\evil.csv"), "has an absolute path"),
    "symbolic link": (member("link.csv", kind=tarfile.SYMTYPE, link="/etc/passwd"), "is a symbolic link"),
    "symbolic link inside": (member("link.csv", kind=tarfile.SYMTYPE, link="good/table.csv"), "is a symbolic link"),
    "hard link": (member("hard.csv", kind=tarfile.LNKTYPE, link="../../../etc/passwd"), "is a hard link"),
    "character device": (member("null.csv", kind=tarfile.CHRTYPE), "is a device or a pipe"),
    "block device": (member("disk.csv", kind=tarfile.BLKTYPE), "is a device or a pipe"),
    "pipe": (member("pipe.csv", kind=tarfile.FIFOTYPE), "is a device or a pipe"),
    "control character": (member("a\x1b[2J\n.csv"), "has control characters"),
    "no name": (member("./"), "has no name"),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_an_unsafe_member_is_refused_before_anything_is_written(tmp_path: Path, case: str) -> None:
    unsafe, fault = UNSAFE[case]
    message = refusal(tmp_path, tgz(GOOD, unsafe, member("good/other.txt")))
    assert fault in message
    assert "1 of 3 members" in message


def test_all_unsafe_members_are_told_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, tgz(*(unsafe for unsafe, _ in UNSAFE.values())))
    assert f"{len(UNSAFE)} of {len(UNSAFE)} members" in message


def test_a_symbolic_link_and_a_file_through_it_are_refused(tmp_path: Path) -> None:
    door = member("door", kind=tarfile.SYMTYPE, link=str(tmp_path))
    assert "'door' is a symbolic link" in refusal(tmp_path, tgz(door, member("door/evil.csv")))


def test_a_link_that_lies_in_the_folder_already_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "out" / "good").symlink_to(tmp_path / "outside")
    (tmp_path / "a.tgz").write_bytes(tgz(GOOD))
    with pytest.raises(DatasetError, match=r"refused.*outside"):
        extract_safely(tmp_path / "a.tgz", tmp_path / "out")
    assert not files_below(tmp_path / "outside")


def test_a_large_member_of_zeros_is_refused(tmp_path: Path) -> None:
    packed = tgz(member("table.csv", bytes(40_000_000)))
    assert len(packed) < 100_000
    assert "unpacks to more than" in refusal(tmp_path, packed)


def test_many_members_of_zeros_are_refused_by_their_sum(tmp_path: Path) -> None:
    packed = tgz(*(member(f"{n}.csv", bytes(400_000)) for n in range(50)))
    assert "unpacks to more than" in refusal(tmp_path, packed)


def test_a_small_file_that_packs_very_well_is_no_bomb() -> None:
    lines = b"0,0\n" * 200_000
    assert read_member(tgz(member("table.csv", lines)), ".csv") == lines


def test_the_total_size_is_limited_whatever_the_ratio(tmp_path: Path) -> None:
    packed = tgz(member("table.csv", os.urandom(50_000)))
    assert "more than 20,000 bytes" in refusal(tmp_path, packed, Limits(unpacked=20_000))


def test_a_huge_count_of_members_is_refused(tmp_path: Path) -> None:
    packed = tgz(*(member(f"{n}.csv", b"") for n in range(1_500)))
    assert "more than 1,000 members" in refusal(tmp_path, packed)


def test_zeros_behind_the_last_member_are_refused(tmp_path: Path) -> None:
    packed = gzip.compress(gzip.decompress(tgz(GOOD)) + bytes(40_000_000))
    assert "unpacks to more than" in refusal(tmp_path, packed)


def test_a_huge_long_name_is_never_read_whole(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 60_000_000
    packed = gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(60_000_000))
    assert "unpacks to more than" in refusal(tmp_path, packed)


def test_a_chain_of_long_names_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 512
    packed = gzip.compress((info.tobuf(tarfile.GNU_FORMAT) + bytes(512)) * 900)
    assert "is damaged" in refusal(tmp_path, packed)


def with_right_sum(header: bytearray) -> bytes:
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def test_a_negative_size_is_refused(tmp_path: Path) -> None:
    header = bytearray(tarfile.TarInfo("table.csv").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + b"\xfe\x00"
    refusal(tmp_path, gzip.compress(with_right_sum(header) + bytes(10_240)))


def in_time(work: Callable[[], object], seconds: float = 5) -> None:
    """Fail where work goes on for longer; it is left behind in a thread of its own."""
    raised: list[BaseException] = []

    def attempt() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    worker = threading.Thread(target=attempt, daemon=True)
    worker.start()
    worker.join(seconds)
    assert not worker.is_alive(), f"still busy after {seconds} s"
    if raised:
        raise raised[0]


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, b"?"])
@pytest.mark.parametrize("size", [2**80, 2**63, 2**40])
def test_a_size_beyond_all_bounds_is_refused_at_once(tmp_path: Path, size: int, kind: bytes) -> None:
    """Tar writes what its octal digits cannot say in base 256, up to 2**88."""
    header = bytearray(tarfile.TarInfo("table.csv").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\x80" + size.to_bytes(11, "big")
    header[156:157] = kind
    in_time(lambda: refusal(tmp_path, gzip.compress(with_right_sum(header) + bytes(10_240))))


@pytest.mark.parametrize("seconds", [2.0**62, -1e30, math.inf, math.nan])
def test_a_time_that_no_file_can_have_is_refused(tmp_path: Path, seconds: float) -> None:
    info, data = member("good/table.csv")
    info.pax_headers = {"mtime": str(seconds)}
    assert "a time that no file can have" in refusal(tmp_path, tgz(member("first.csv"), (info, data)))


def test_a_sparse_file_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("sparse.csv")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386:482] = b"\0" * 96
    assert "sparse" in refusal(tmp_path, gzip.compress(with_right_sum(header) + bytes(10_240)))


@pytest.mark.parametrize("kept", [0, 1, 15, 60, -9, -1])
def test_a_truncated_archive_is_damaged(tmp_path: Path, kept: int) -> None:
    assert "is damaged" in refusal(tmp_path, tgz(GOOD, member("more.csv", os.urandom(5_000)))[:kept])


def test_damage_in_the_middle_of_a_table_is_noticed(tmp_path: Path) -> None:
    tar = gzip.decompress(tgz(member("table.csv", os.urandom(100_000))))
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    half = deflate.compress(tar[:50_000]) + deflate.flush(zlib.Z_FULL_FLUSH)
    # No block of the deflate format begins with the bits 111.
    assert "is damaged" in refusal(tmp_path, gzip.compress(b"")[:10] + half + b"\xff" * 64)


def test_a_wrong_checksum_of_gzip_is_noticed(tmp_path: Path) -> None:
    packed = bytearray(tgz(GOOD))
    packed[-8] ^= 1
    assert "is damaged" in refusal(tmp_path, bytes(packed))


@pytest.mark.parametrize(
    "packed", [b"service_date,day_type\n", b"PK\x03\x04" + bytes(60), gzip.compress(b"no tar" * 200, mtime=0)]
)
def test_what_is_no_tgz_is_refused(tmp_path: Path, packed: bytes) -> None:
    assert "no .tgz" in refusal(tmp_path, packed)


def test_an_empty_tar_is_refused(tmp_path: Path) -> None:
    assert "it is empty" in refusal(tmp_path, tgz())


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_changed_byte_gives_the_table_or_one_line(place: int, flip: int) -> None:
    packed = bytearray(tgz(GOOD))
    packed[place % len(packed)] ^= flip
    message, table = "", b""
    try:
        table = read_member(bytes(packed), ".csv")
    except DatasetError as error:
        message = str(error)
    # Some bytes of the gzip header, such as its time stamp, mean nothing.
    assert table == GOOD[1] or (message and "\n" not in message)


def unpacked_tars() -> list[bytes]:
    """Small archives of each format, with folders, long names, and the records of sparse files."""
    found = []
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        members = (member("good", kind=tarfile.DIRTYPE), GOOD, member(f"good/{'x' * 180}.txt"[-240 if form else -95 :]))
        found.append(io.BytesIO())
        with tarfile.open(fileobj=found[-1], mode="w", format=form) as tar:
            for info, data in members:
                info.pax_headers = {"comment": "é", "mtime": "1.5", "size": str(info.size)}
                tar.addfile(info, io.BytesIO(data) if info.isreg() else None)
    for records in (
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
        {"GNU.sparse.map": "0,5", "GNU.sparse.size": "9"},
    ):
        found.append(io.BytesIO())
        with tarfile.open(fileobj=found[-1], mode="w", format=tarfile.PAX_FORMAT) as tar:
            info, data = member("sparse.csv", b"1\n0\n5\n" + bytes(505) + b"a,b,c")
            info.pax_headers = records
            tar.addfile(info, io.BytesIO(data))
    return [each.getvalue() for each in found]


FIELDS = ((0, 100), (100, 108), (108, 116), (124, 136), (136, 148), (156, 157), (157, 257), (257, 265), (345, 500))


def mutated(tar: bytes, rng: random.Random) -> bytes:
    """A field of a header with other contents and mostly the right sum, a changed byte, or an end cut off."""
    raw = bytearray(tar)
    at = rng.choice([place for place in range(0, len(raw), 512) if raw[place + 257 : place + 262] == b"ustar"])
    begin, end = rng.choice(FIELDS)
    width = end - begin
    contents = (
        bytes([rng.choice((0x80, 0xFF))]) + rng.randbytes(width - 1),
        bytes([rng.choice(b"01234567gxLKSVNMA-")]) * width,
        rng.randbytes(width),
    )
    if rng.random() < 0.7:
        raw[at + begin : at + end] = rng.choice(contents)
    if rng.random() < 0.3:
        raw[rng.randrange(len(raw))] ^= rng.randint(1, 255)
    if rng.random() < 0.9:
        raw[at : at + 512] = with_right_sum(raw[at : at + 512])
    return bytes(raw[: rng.randrange(len(raw))] if rng.random() < 0.1 else raw)


def test_mutated_archives_are_read_or_refused_within_a_second(tmp_path: Path) -> None:
    tars = unpacked_tars()
    outcomes: list[str] = []

    def try_each() -> None:
        for seed in range(300):
            rng = random.Random(seed)
            packed = gzip.compress(mutated(rng.choice(tars), rng), 1, mtime=0)
            (tmp_path / "a.tgz").write_bytes(packed)
            started = time.monotonic()
            for way in (
                lambda packed=packed: read_member(packed, ".csv"),
                lambda seed=seed: extract_safely(tmp_path / "a.tgz", tmp_path / str(seed)),
            ):
                try:
                    way()
                    outcomes.append("read")
                except DatasetError as error:
                    outcomes.append(str(error))
            assert time.monotonic() - started < 1, seed

    in_time(try_each, 60)
    assert len(outcomes) == 600
    assert 100 < outcomes.count("read") < 500
    assert not any("\n" in outcome for outcome in outcomes)


def test_no_file_of_the_kind_is_told() -> None:
    with pytest.raises(DatasetError, match=r"holds 0 files that end in '.csv'"):
        read_member(tgz(member("good/readme.txt")), ".csv")


def test_two_files_of_the_kind_are_told() -> None:
    with pytest.raises(DatasetError, match="holds 2 files"):
        read_member(tgz(GOOD, member("good/second.csv")), ".csv")


def test_hidden_files_beside_the_table_do_not_count() -> None:
    assert read_member(tgz(member("good/._table.csv", b"finder"), GOOD), ".csv") == GOOD[1]


def test_a_good_archive_is_unpacked(tmp_path: Path) -> None:
    folder = member("good", kind=tarfile.DIRTYPE)
    (tmp_path / "a.tgz").write_bytes(tgz(member(".", kind=tarfile.DIRTYPE), folder, GOOD, member("top.txt", b"top")))
    written = extract_safely(tmp_path / "a.tgz", tmp_path / "new" / "out")
    assert [path.relative_to(tmp_path / "new" / "out").as_posix() for path in written] == ["good/table.csv", "top.txt"]
    assert [path.read_bytes() for path in written] == [GOOD[1], b"top"]


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(tgz(GOOD))
    with pytest.raises(DatasetError, match="cannot be written"):
        extract_safely(tmp_path / "a.tgz", tmp_path / "a.tgz")


def test_an_archive_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no archive"):
        read_archive(tmp_path / "none.tgz")
    with pytest.raises(DatasetError, match="there is no archive"):
        read_archive(tmp_path)


def test_a_large_archive_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(bytes(2_000))
    with pytest.raises(DatasetError, match=r"larger than 1,000 bytes"):
        read_archive(tmp_path / "a.tgz", Limits(packed=1_000))


@pytest.fixture(autouse=True)
def _nothing_in_the_working_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A member that escapes lands below a folder that is looked at."""
    before, home = Path.cwd(), tmp_path_factory.mktemp("cwd")
    os.chdir(home)
    yield
    os.chdir(before)
    assert not list(home.iterdir())
    assert not Path("/tmp/gatecast-evil.csv").exists()
