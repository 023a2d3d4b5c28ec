"""A file broken on purpose."""


def mutated(text: str, old: str, new: str) -> str:
    """The text with that one place changed; it must be there, and once."""
    assert text.count(old) == 1, f"{text.count(old)} times in the file: {old!r}"
    return text.replace(old, new)
