"""The Flask service that this project replaces: what both are held to.

It follows the usual guide to Flask in production, as its teams write it for themselves: Gunicorn
with these flags, these headers, this pool, this health check and log line. It is plain on purpose:
each extension is used the way its own documentation teaches. It carries two repairs of what the
guide itself gets wrong: `SELECT 1` is `text("SELECT 1")`, which SQLAlchemy 2 asks for, and
`/health` names the kind of failure instead of quoting it, for the quoted one holds the database's
host and user.
"""
