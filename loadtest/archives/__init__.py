"""To whom it is sent: targets, the embedded archive, Orthanc, DCMTK."""
