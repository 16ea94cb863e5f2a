"""Several plays, one finding: headroom around a play, thresholds, the breaking point, claims, calibration."""
