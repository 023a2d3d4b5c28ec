"""docs/checklist.md says what the checks do, and they do what the guide asks."""

import re

from service.checks.line import Group
from service.checks.lines import LINES
from tools import checklist

# Each line of the source's checklists and summary, and the line here that is it.
PAGE = {
    "Debug disabled: FLASK_DEBUG=0, FLASK_ENV=production": "debug",
    "Secret key: Random, 32+ characters, environment variable": "secret-key",
    "Database URL: Production database, not local": "database-url",
    "HTTPS: SSL/TLS certificate configured": "https",
    "CORS: Only allow production frontend origins": "cors",
    "Tests passing: All tests pass in CI": "tests",
    "Dependencies: requirements.txt pinned to exact versions": "dependencies",
    "Logs: JSON logging to files, appropriate levels": "logs",
    "Monitoring: Health check endpoint working": "health-check",
    "Backups: Database backup strategy in place": "backups",
    "No sensitive data in code: All secrets from environment": "secrets-in-code",
    "SQL injection protected: Using SQLAlchemy ORM": "sql-injection",
    "XSS protected: Proper escaping in templates": "xss",
    "CSRF protected: If using forms": "csrf",
    "Security headers: Set by Nginx or Flask": "security-headers",
    "Rate limiting: Enabled for sensitive endpoints": "rate-limiting",
    "Password hashing: Using PBKDF2/bcrypt": "password-hashing",
    "Debug disabled (FLASK_DEBUG=0)": "debug",
    "Secure secret key (random, from environment)": "secret-key",
    "HTTPS enabled (TLS certificate)": "https",
    "Gunicorn as WSGI server": "server",
    "Nginx as reverse proxy (optional but recommended)": "reverse-proxy",
    "Managed database (or properly secured self-hosted)": "managed-database",
    "Connection pooling configured": "connection-pool",
    "Logging to files (JSON format)": "logs",
    "Health check endpoint": "health-check",
    "Monitoring and alerting": "monitoring",
    "Automatic backups": "backups",
    "Rate limiting enabled": "rate-limiting",
    "CORS properly configured": "cors",
    "All tests passing": "tests",
}


def test_page_is_what_the_code_says() -> None:
    assert checklist.PAGE.read_text() == checklist.page(), "run: make docs"


def test_readme_lists_every_line_with_its_command() -> None:
    text = checklist.README.read_text()
    assert text == checklist.readme(), "run: make docs"
    for line in LINES:
        assert f"| {line.title} | `quart check --deploy {line.id}` |" in text


def test_every_id_and_title_is_on_the_page() -> None:
    text = checklist.PAGE.read_text()
    for line in LINES:
        assert f"\n### {line.id}" in text
        assert line.title in text


def test_every_line_of_the_source_is_a_line_here() -> None:
    titles = {line.id: line.title for line in LINES}
    for words, line in PAGE.items():
        first = re.split(r"[:(]", words)[0].strip().lower()
        assert any(word in titles[line].lower() for word in first.split()), (words, titles[line])
    own = {line.id for line in LINES if line.group is not Group.OPERATION} - set(PAGE.values())
    assert own == {"jwt-secret-key", "session-cookies", "proxy-trust", "header-duplication"}


def test_ids_are_unique_and_fit_in_a_url() -> None:
    ids = [line.id for line in LINES]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", each) for each in ids)
