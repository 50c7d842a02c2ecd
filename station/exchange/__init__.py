"""Other programs' files, read and written; nothing here knows how anything is solved."""
