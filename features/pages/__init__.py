"""Pages for people: static, offline, one file each."""
