"""What came of a rehearsal, for people: figures, chapters, one self-contained page."""
