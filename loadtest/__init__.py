"""The load test: synthetic objects, the wire, the archives, the play and the verdict."""
