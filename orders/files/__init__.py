"""Reading sellers' own files: bytes to a table, a table to rows, rows to messages; nothing here knows a database."""
