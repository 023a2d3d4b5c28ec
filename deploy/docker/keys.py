"""`keys.py folder [--certificate host]`: makes every secret the Compose files name, each in a file
of its own. What is there already stays as it is, so that it can be run again.

`--certificate` also makes a self-signed certificate, for a stack that nobody else uses.
"""

import argparse
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

OPENSSL_LIMIT = 30.0
# Readable by the users of all containers. On the host, the folder's own mode keeps others out.
MODE = 0o444


def passwords(folder: Path) -> dict[str, str]:
    """Those that are there, and new ones."""
    names = ("postgres", "database", "backup", "valkey", "grafana")
    return {name: keep(folder / f"{name}_password", secrets.token_hex(24)) for name in names}


def derived(password: Mapping[str, str]) -> dict[str, str]:
    """The files that say a password in the words of whoever reads them."""
    service = f"postgresql://quartermaster:{password['database']}"
    return {
        "database_url": f"{service}@pgbouncer:6432/quartermaster",
        "migration_database_url": f"{service}@postgres:5432/quartermaster",
        "backup_database_url": (
            f"postgresql://backup:{password['backup']}@postgres:5432/quartermaster"
        ),
        "ratelimit_storage_uri": f"redis://:{password['valkey']}@valkey:6379/0",
        "pgbouncer_userlist": f'"quartermaster" "{password["database"]}"',
        "valkey.conf": f"requirepass {password['valkey']}",
    }


def keep(path: Path, value: str) -> str:
    """What the file says; first written with this value if there is none."""
    if not path.exists():
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        partial.write_text(f"{value}\n", encoding="utf-8")
        partial.chmod(MODE)
        partial.replace(path)
        print(f"keys: made {path.name}")
    return path.read_text(encoding="utf-8").strip()


def certificate(folder: Path, host: str) -> None:
    """A key and a certificate it signs itself, under the names certbot gives them."""
    chain, key = folder / "fullchain.pem", folder / "privkey.pem"
    if chain.exists() and key.exists():
        return
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-noenc", "-days", "825", "-subj", f"/CN={host}"),
            *("-addext", f"subjectAltName=DNS:{host}"),
            *("-keyout", str(key), "-out", str(chain)),
        ],
        check=True,
        capture_output=True,
        timeout=OPENSSL_LIMIT,
    )
    for path in (chain, key):
        path.chmod(MODE)
        print(f"keys: made {path.name}")


def main(*arguments: str) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="keys.py", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--certificate", metavar="host")
    options = parser.parse_args(arguments)
    folder: Path = options.folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("secret_key", "jwt_secret_key"):
            keep(folder / name, secrets.token_hex(32))
        # For a store that speaks S3, if there is one: as `aws configure` writes it.
        keep(folder / "aws_credentials", "# [default]")
        for name, value in derived(passwords(folder)).items():
            keep(folder / name, value)
        if options.certificate:
            certificate(folder, options.certificate)
    except (OSError, subprocess.SubprocessError) as error:
        told = (getattr(error, "stderr", None) or str(error).encode()).decode(errors="replace")
        print(f"keys: {' '.join(told.split())[-300:]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
