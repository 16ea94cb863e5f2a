"""How it is sent: PDUs, associations, TCP profiles, DICOMweb."""
