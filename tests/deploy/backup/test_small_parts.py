"""Names, URLs, settings, keys and reports: what they take, and what they refuse."""

import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrage import x25519

from deploy.backup.encryption import decrypt, encrypt, recipients
from deploy.backup.manifest import Content, Manifest, Properties, Sequence, Table
from deploy.backup.names import Name, parse_file
from deploy.backup.problems import BackupError, CorruptError, UsageError, one_line
from deploy.backup.report import Report
from deploy.backup.settings import duration, load
from deploy.backup.url import DatabaseURL
from tests.support import ROOT

MOMENT = datetime(2026, 1, 15, 3, tzinfo=UTC)


@given(st.text(), st.datetimes(timezones=st.just(UTC)))
def test_a_name_is_read_as_it_was_written(database: str, moment: datetime) -> None:
    name = Name.new(database, moment)
    assert Name.parse(str(name)) == name
    assert parse_file(f"{name}.dump.age") == (name, ".dump.age")
    assert parse_file(f"{name}.json") == (name, ".json")


@given(st.text())
def test_other_files_are_not_ours(text: str) -> None:
    assert parse_file(text) is None
    assert parse_file(f"{text}.json") is None


@pytest.mark.parametrize(
    "text",
    [
        "shop-20260115T030000Z-abcdef.sql",
        "shop-20260115T030000Z-abcdef",
        "shop-20261315T030000Z-abcdef.json",
        "shop-20260115T030000Z-ABCDEF.json",
        "../shop-20260115T030000Z-abcdef.json",
        "shop-20260115T030000Z-abcdef.json\n",
        "-20260115T030000Z-abcdef.json",
    ],
)
def test_nearly_ours_is_not_ours(text: str) -> None:
    assert parse_file(text) is None


@pytest.mark.parametrize(
    ("text", "conninfo", "dsn"),
    [
        (
            "postgresql+asyncpg://u:p%40ss@h:5433/shop?ssl=require&pool_size=5",
            "postgresql://u@h:5433/shop?sslmode=require",
            "postgresql://u:p%40ss@h:5433/shop?sslmode=require",
        ),
        (
            "postgres://u@/shop?host=/run/postgresql&channel_binding=require",
            "postgresql://u@/shop?host=%2Frun%2Fpostgresql&channel_binding=require",
            "postgresql://u@/shop?host=%2Frun%2Fpostgresql",
        ),
        (
            "postgresql+psycopg2://h/shop?user=u&password=secret",
            "postgresql://h/shop?user=u",
            "postgresql://h/shop?user=u&password=secret",
        ),
        (
            "postgresql://u:p@h1:1,h2:2/a%20b?target_session_attrs=read-write",
            "postgresql://u@h1:1,h2:2/a%20b?target_session_attrs=read-write",
            "postgresql://u:p@h1:1,h2:2/a%20b?target_session_attrs=read-write",
        ),
    ],
)
def test_urls(text: str, conninfo: str, dsn: str) -> None:
    url = DatabaseURL.parse(text, "DATABASE_URL")
    assert (url.conninfo, url.dsn) == (conninfo, dsn)
    for secret in ("p%40ss", "p@ss", "secret"):
        assert secret not in repr(url)
    assert url.of("b/c").conninfo == conninfo.replace("/shop", "/b%2Fc").replace("/a%20b", "/b%2Fc")


@pytest.mark.parametrize(
    "text", ["mysql://u:geheim@h/d", "postgres://u:geheim@h", "postgres://[u:geheim@h/d", "geheim"]
)
def test_urls_that_are_refused_are_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="KEY") as refused:
        DatabaseURL.parse(text, "KEY")
    assert "geheim" not in str(refused.value)


def test_secrets_come_from_files(tmp_path: Path) -> None:
    file, folder = tmp_path / "url", tmp_path / "credentials"
    file.write_text("postgres://u:p@h/from_file\n")
    folder.mkdir()
    (folder / "DATABASE_URL").write_text("postgres://u:p@h/credential")
    named = {"DATABASE_URL_FILE": str(file)}
    assert load(named).source().database == "from_file"
    assert load({"CREDENTIALS_DIRECTORY": str(folder)}).source().database == "credential"
    with pytest.raises(UsageError, match="set one of them"):
        load(named | {"DATABASE_URL": "postgres://u:p@h/d"})
    with pytest.raises(UsageError, match="cannot be read"):
        load({"DATABASE_URL_FILE": str(tmp_path / "nothing")})
    direct = load({"DATABASE_URL": "postgres://h/a", "MIGRATION_DATABASE_URL": "postgres://h/b"})
    assert direct.source().database == "b"
    with pytest.raises(UsageError, match="DATABASE_URL is not set"):
        load({}).source()


@pytest.mark.parametrize("text", ["", "0", "-1", "1w", "h", "1.5h", "24 h", "1h30m"])
def test_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="24h"):
        duration(text)


def test_durations() -> None:
    assert [duration(each) for each in ("90", "90s", "30m", "24h", "1d")] == [
        *(90, 90, 1800, 86_400, 86_400)
    ]


@pytest.mark.parametrize("text", ["age1nonsense", "ssh-ed25519 AAAA", "AGE-SECRET-KEY-1ABC"])
def test_no_recipient(text: str) -> None:
    with pytest.raises(UsageError, match="no public key") as refused:
        recipients([text])
    assert "KEY-1ABC" not in str(refused.value)


@given(st.binary(max_size=200_000), st.integers(0, 2))
def test_what_is_encrypted_is_decrypted(data: bytes, count: int) -> None:
    keys = [x25519.Identity.generate() for _ in range(count)]
    sealed, plain = io.BytesIO(), io.BytesIO()
    encrypt(io.BytesIO(data), sealed, [each.to_public() for each in keys])
    decrypt(io.BytesIO(sealed.getvalue()), plain, keys[-1:] or None)
    assert plain.getvalue() == data


class Full(io.BytesIO):
    """A disk with room for so many bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.room -= len(data)
        if self.room < 0:
            raise OSError(28, "No space left on device")
        return super().write(data)


@pytest.mark.parametrize("room", [0, 100, 70_000])
def test_full_disk_is_noticed_at_the_last_byte_too(room: int) -> None:
    """pyrage drops what its last write raises."""
    key = x25519.Identity.generate()
    with pytest.raises(OSError, match="No space left"):
        encrypt(io.BytesIO(bytes(room)), Full(room), [key.to_public()])


def content(**tables: Table) -> Content:
    return Content(Properties("UTF8", "C", "C"), tables, {})


def test_differences_are_told_table_by_table() -> None:
    backed_up = content(a=Table(1, "x"), b=Table(2, "x"), c=Table(3, "x"), d=Table(0, "0"))
    found = content(a=Table(1, "y"), b=Table(1, "x"), d=Table(0, "0"), e=Table(4, "x"))
    assert backed_up.differences(found) == [
        "a: 1 rows, as many as were backed up, but not the same",
        "b: 1 rows, 2 were backed up",
        "c: missing, 3 rows were backed up",
        "e: was not backed up, 4 rows",
    ]
    assert backed_up.differences(backed_up) == []


@pytest.mark.parametrize(
    ("was", "found", "reached"),
    [
        (Sequence(5, True, True, False), Sequence(5, True, True, False), True),
        (Sequence(5, True, True, False), Sequence(9, True, True, False), True),
        (Sequence(5, True, True, False), Sequence(4, True, True, False), False),
        (Sequence(5, True, True, False), Sequence(5, False, True, False), False),
        (Sequence(-5, True, False, False), Sequence(-6, True, False, False), True),
        (Sequence(-5, True, False, False), Sequence(-4, True, False, False), False),
        (Sequence(5, True, True, True), Sequence(1, True, True, True), True),
    ],
)
def test_sequences_may_only_be_further(was: Sequence, found: Sequence, *, reached: bool) -> None:
    assert found.reached(was) is reached


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
FIELDS = list(Manifest.__slots__)


@given(st.binary() | JSON.map(lambda each: json.dumps(each).encode()))
def test_what_is_no_manifest_is_called_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptError):
        Manifest.read(Name("shop", MOMENT, "000000"), data)


@given(st.sampled_from(FIELDS), JSON)
def test_a_manifest_of_wrong_types_is_called_corrupt(field: str, value: object) -> None:
    name = Name("shop", MOMENT, "000000")
    made = Manifest(
        name=str(name),
        database="shop",
        created_at="2026-01-15T03:00:00Z",
        file=f"{name}.dump",
        size_bytes=1,
        sha256="",
        rows=1,
        server_version="18.4",
        pg_dump_version="18.4",
        alembic_version=[],
        encrypted=False,
        content={},
    )
    told = json.loads(made.write()) | {field: value}
    try:
        Manifest.read(name, json.dumps(told).encode()).opened(None)
    except CorruptError:
        return
    pytest.fail("content is empty: nothing of it can be opened")


def test_a_report_that_makes_no_sense_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    for text in ("", "[]", "{}", '{"verified_at": 1, "name": 1}', '{"verified_at": "monday"}'):
        path.write_text(text)
        assert Report.read(path) == Report()
    report = Report("2026-01-15T03:00:00Z", "", False, None, "shop", 5, 7)
    report.write(path)
    assert Report.read(path) == report
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("postgresql://u:geheim@h/d\nis away", "postgresql://u:[redacted]@h/d is away"),
        ("password=geheim, \x1b[2J", "password=[redacted], \\u001b[2J"),
        ("AGE-SECRET-KEY-1GEHEIM", "[redacted]"),
    ],
)
def test_messages_are_one_line_without_secrets(text: str, told: str) -> None:
    assert one_line(text) == told
    assert str(BackupError(text)) == told


def test_its_image_needs_nothing_of_the_service() -> None:
    """And not even boto3, as long as the store is a folder."""
    look = "import sys, deploy.backup.cli; print(*{each.split('.')[0] for each in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", look],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.split()
    assert {"asyncpg", "pyrage"} <= set(loaded)
    assert not {"service", "sqlalchemy", "structlog", "quart", "boto3"} & set(loaded)
