"""An archive of our own for rehearsals: storage, query and retrieve over DIMSE and DICOMweb, on loopback only.

It is honest about what it is: nothing is written before it is answered except in `disk` mode, where each
object is in a file and in the index before its success goes out (no fsync: a killed process loses nothing
that was acknowledged, a power cut may).
"""
