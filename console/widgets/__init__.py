"""What the screens are made of; each widget draws what it is given and reads nothing itself."""
