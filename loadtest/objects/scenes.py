"""What is in the pictures: the signal of each kind of image on a coarse grid, 0 (none) to about 1 (bright tissue)."""

import numpy as np

from loadtest.objects.shapes import Canvas, Floats


def chest(c: Canvas) -> Floats:
    """A postero-anterior chest: lungs, ribs, spine, heart, diaphragm; black beside the patient."""
    body = c.disc(0, 0.45, 1.0, 1.45, 0.08)
    lungs = np.maximum(c.disc(-0.4, -0.05, 0.31, 0.6), c.disc(0.4, -0.05, 0.31, 0.6))
    ribs = np.cos(16 * np.pi * (c.y + 0.4 * np.abs(c.x))) ** 4
    vessels = c.clouds(40) * c.clouds(6)
    tissue = 0.62 + 0.12 * c.clouds(5) - lungs * (0.36 - 0.07 * ribs - 0.16 * vessels)
    heart = c.disc(0.14, 0.28, 0.28, 0.33, 0.2)
    spine = np.exp(-((c.x / 0.08) ** 2)) * (0.8 + 0.2 * np.cos(30 * np.pi * c.y))
    below = np.clip((c.y - 0.52 + 0.12 * np.cos(5 * c.x)) * 8, 0, 1)
    signal: Floats = body * np.maximum(tissue + 0.22 * heart + 0.12 * spine, 0.85 * below)
    return signal


def breast(c: Canvas) -> Floats:
    """A left medio-lateral oblique view: chest wall at the left edge, pectoral muscle, glands in fat, skin line."""
    inside = c.disc(-1.0, 0.1, 1.45, 0.86, 0.09)
    glands = c.disc(-0.75, 0.1, 0.85, 0.5, 0.6) * (0.4 * c.clouds(8) + 0.35 * c.clouds(30) + 0.15 * c.clouds(90))
    muscle = np.clip((-0.75 - c.x - 0.35 * (c.y + 0.3)) * 8, 0, 1)
    signal: Floats = inside * np.clip(0.35 + 0.12 * c.clouds(12) + 0.6 * glands + 0.4 * muscle, 0, 1)
    return signal


def abdomen(c: Canvas) -> Floats:
    """An axial slice through the liver, air 0 and water 1 (Hounsfield units / 1000 + 1), with its table."""
    body = c.disc(0, 0, 0.86, 0.64, 0.015)
    signal = 0.9 * body + 0.14 * c.disc(0, 0.02, 0.77, 0.55, 0.03)
    for cx, cy, rx, ry, more in (
        (-0.36, -0.08, 0.36, 0.36, 0.03),  # liver
        (0.5, 0.08, 0.15, 0.24, 0.02),  # spleen
        (-0.3, 0.28, 0.11, 0.13, 0.01),  # kidneys
        (0.3, 0.28, 0.11, 0.13, 0.01),
        (0, 0.33, 0.11, 0.1, 0.35),  # vertebra
        (0.06, 0.16, 0.05, 0.05, 0.1),  # aorta
        (0.2, -0.3, 0.14, 0.1, -0.95),  # gas
    ):
        signal = signal + more * c.disc(cx, cy, rx, ry, 0.1)
    signal += body * 0.02 * (c.clouds(24) - 0.5) + 0.25 * np.exp(-(((c.y - 0.74 - 0.06 * c.x**2) / 0.008) ** 2))
    field = (c.x**2 + c.y**2 < 1).astype(np.float32)  # nothing is reconstructed outside the scanner's circle
    found: Floats = np.clip(signal, 0.024, None) * field
    return found


def head(c: Canvas) -> Floats:
    """An axial T1-weighted slice: scalp, dark skull, folded brain, ventricles."""
    scalp = c.disc(0, 0, 0.78, 0.92, 0.05) - c.disc(0, 0, 0.71, 0.85, 0.05)
    folds = c.clouds(28) * c.disc(0, 0, 0.66, 0.8, 0.4)
    brain = c.disc(0, 0, 0.66, 0.8, 0.04) * (0.6 + 0.15 * c.clouds(6)) - 0.22 * folds
    brain += 0.14 * c.disc(0, 0, 0.45, 0.55, 0.5)
    ventricles = np.maximum(c.disc(-0.12, -0.05, 0.08, 0.25, 0.3), c.disc(0.12, -0.05, 0.08, 0.25, 0.3))
    signal: Floats = np.clip(0.9 * scalp + brain - 0.45 * ventricles, 0, 1)
    return signal


def fan(c: Canvas) -> Floats:
    """A convex probe's sector: liver texture, a vessel, a cyst with the bright echo behind it; black around."""
    deep, angle = np.hypot(c.x * 0.9, c.y + 1.25), np.arctan2(c.x * 0.9, c.y + 1.25)
    sector = (np.clip((0.5 - np.abs(angle)) * 60, 0, 1) * np.clip((deep - 0.35) * 40, 0, 1)) * np.clip(
        (2.1 - deep) * 40, 0, 1
    )
    tissue = 0.35 + 0.3 * c.clouds(16) * c.clouds(5) + 0.25 * np.exp(-(((deep - 1.0 - 0.2 * angle) / 0.03) ** 2))
    cyst, behind = c.disc(0.25, 0.1, 0.16, 0.16, 0.25), c.disc(0.32, 0.5, 0.14, 0.3, 0.6)
    vessel = np.exp(-(((c.y - 0.35 - 0.3 * c.x) / 0.06) ** 2)) * c.disc(-0.35, 0.25, 0.3, 0.5, 0.4)
    signal: Floats = sector * np.clip(tissue * (1.1 - 0.25 * deep) + 0.15 * behind - 0.5 * cyst - 0.4 * vessel, 0.03, 1)
    return signal


def swallow(c: Canvas) -> Floats:
    """A spot image of a barium meal in the round field of an image intensifier."""
    field = c.disc(0, 0, 0.97, 0.97, 0.02)
    spine = np.exp(-((c.x / 0.16) ** 2)) * (0.8 + 0.2 * np.cos(9 * np.pi * c.y))
    stomach = np.maximum(c.disc(0.3, -0.1, 0.26, 0.42, 0.2), c.disc(0.02, 0.3, 0.34, 0.15, 0.25))
    gullet = np.exp(-(((c.x - 0.1 - 0.1 * c.y) / 0.04) ** 2)) * (c.y < -0.3)
    barium = np.maximum(stomach * (0.8 + 0.2 * c.clouds(14)), gullet)
    signal: Floats = field * np.clip(0.75 + 0.12 * c.clouds(4) - 0.2 * spine - 0.5 * barium, 0.05, 1)
    return signal


def skeleton(c: Canvas) -> Floats:
    """A posterior bone scan of the trunk: spine, ribs, pelvis, kidneys, bladder; blurred as a gamma camera does."""
    body = c.disc(0, 0.1, 0.6, 1.1, 0.3)
    spine = np.exp(-((c.x / 0.09) ** 2)) * (0.75 + 0.25 * np.cos(14 * np.pi * c.y))
    ribs = c.disc(0, -0.35, 0.5, 0.5, 0.3) * np.cos(6 * np.pi * (c.y + 0.3 * np.abs(c.x))) ** 2
    pelvis = np.maximum(c.disc(-0.25, 0.55, 0.2, 0.22, 0.6), c.disc(0.25, 0.55, 0.2, 0.22, 0.6))
    hot = np.maximum(c.disc(-0.2, 0.15, 0.09, 0.14, 0.8), c.disc(0.2, 0.15, 0.09, 0.14, 0.8))
    hot = np.maximum(hot, c.disc(0, 0.85, 0.12, 0.1, 0.8))
    signal: Floats = 0.01 + body * (0.12 + 0.5 * spine + 0.2 * ribs + 0.35 * pelvis + 0.6 * hot)
    return signal
