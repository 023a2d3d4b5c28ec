"""Which of these tests `make test` leaves to `make test-deploy`: together they take ten minutes."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
# Whole files, and single tests of others.
LONG = {
    "backup/test_corruption.py",
    "backup/test_create.py",
    "backup/test_pgbackrest.py",
    "backup/test_run.py",
    "docker/test_image.py",
    "docker/test_stack.py",
    "docker/test_tree.py",
    "kubernetes/test_applying.py",
    "kubernetes/test_pgbouncer.py",
    "kubernetes/test_policies.py::test_a_break_is_noticed",
    "kubernetes/test_running.py",
    "monitoring/test_mutations.py",
    "monitoring/test_rules.py::test_descriptions_read_well",
    "monitoring/test_rules.py::test_unit_tests_pass",
    "monitoring/test_rules.py::test_wrong_rules_fail_their_tests",
    "monitoring/test_running.py",
    "nginx/test_answers.py::test_broken_is_seen",
    "nginx/test_clients.py::test_broken_is_seen",
    "nginx/test_http2.py::test_broken_is_seen",
    "nginx/test_malformed.py::test_broken_is_seen",
    "nginx/test_malformed.py::test_http2_on_the_plain_port_is_seen",
    "nginx/test_overload.py::test_broken_is_seen",
    "nginx/test_reading.py::test_broken_is_seen",
    "nginx/test_reading.py::test_private_path_that_is_open_is_seen",
    "nginx/test_retries.py::test_broken_is_seen",
    "nginx/test_slow.py::test_broken_is_seen",
    "nginx/test_tls.py::test_broken_is_seen",
    "nginx/test_under_attack.py",
    "pgbouncer/test_pgbouncer.py::test_broken_is_seen",
    "platforms/test_commands.py",
    "platforms/test_policies.py::test_a_broken_file_is_found",
    "rolling/test_rolling.py",
    "systemd/test_activation.py",
    "systemd/test_logrotate.py",
    "systemd/test_running.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks them."""
    for item in items:
        if item.path.is_relative_to(HERE):
            file = item.path.relative_to(HERE).as_posix()
            test = f"{file}::{getattr(item, 'originalname', item.name)}"
            if file in LONG or test in LONG or "s3" in item.name:
                item.add_marker("long")
