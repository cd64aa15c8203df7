"""Outside systems, one dialect a file; nothing here knows our models or decides anything."""
