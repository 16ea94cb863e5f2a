"""The archive's DICOMweb side: STOW-RS, QIDO-RS, WADO-RS (PS3.18 chapter 10) and its statistics."""
