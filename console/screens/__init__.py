"""The screens: each shows a part of the watch, and hears of news by message."""
