"""The interface, described by itself: `/openapi.json` for programs, `/docs` for people."""
