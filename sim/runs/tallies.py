"""The compiled loop that adds exams to tables of counts. Sums are of whole numbers: the same in any order."""

import numpy as np
from numba import njit

from sim.engines.kernels.histogram import bucket_of
from sim.engines.kernels.routing import DOCTOR_FIRST, FROM_UNIT, IN_LIBRARY, ON_PACS, TO_INGEST, VIEW_COURIER

MICRO = 1e6  # microseconds in a second
MEASURES = (
    "room_wait_s",
    "time_to_image_s",
    "stored_s",
    "exam_to_report_s",
    "turnaround_s",
    "first_view_s",
    "prior_wait_s",
)
FLOWS = (
    "exams",
    "images",
    "bytes",
    "sheets",
    "packets",
    "pulls",
    "porter_trips",
    "courier_trips",
    "lost",
    "repeats",
    "view_requests",
    "pacs_exams",
)
TIERS = ("site", "central")


@njit(cache=True)
def measure_exam(i, times, out):
    """The measures of exam i in seconds, f8[measure], in the order of `MEASURES`; NaN where the pathway has none."""
    arrival, room_start, room_end, available, ingest_end, reported, viewed, prior_ready = times
    out[0] = room_start[i] - arrival[i]
    out[1] = available[i] - arrival[i]
    out[2] = ingest_end[i] - room_end[i]
    out[3] = reported[i] - room_end[i]
    out[4] = reported[i] - arrival[i]
    out[5] = viewed[i] - room_end[i]
    out[6] = prior_ready[i] - arrival[i]


@njit(cache=True)
def _flow(pacs, route, prior, view, here, lost, repeat, printed, sheets, images, nbytes, views, out):
    """What one exam moved, i8[flow], in the order of `FLOWS`. A repeat spoils one sheet."""
    film, pulled = not pacs, prior == IN_LIBRARY
    out[0], out[1], out[2] = 1, images, nbytes
    out[3] = (sheets + repeat) if film or printed else 0
    out[4], out[5] = film, pulled
    out[6] = film + pulled + (film and route & DOCTOR_FIRST != 0)
    out[7] = (pulled and here != 1) or (film and route & FROM_UNIT != 0) or view == VIEW_COURIER
    out[8], out[9], out[10], out[11] = film and lost == 1, repeat, views + 1, pacs


@njit(cache=True)
def add_exams(rows, exams, jobs, times, calendar, shape, rejects, residual_print, out):
    """Tally the exams `rows` i8[m] that arrived in the measured days; the others are left out.

    exams, jobs: columns as the caller names them; times: as `measure_exam` names them. calendar: first
    measured day, time of its start in seconds, month i8[day], slot i8[hour]; shape: modalities, settings, months;
    rejects f8[2, modality], on film and digital. out, all i8: by_kind, by_site, by_day [.., measure, bucket] i4;
    moments [2, site * kind, measure + 1] how many exams lack the measure, in the last place how many there are, and
    microseconds, hours [2, slot, measure + 1] likewise; flows [site * kind * month, flow]; stored [archive, tier,
    modality, day, 2] objects and bytes. What is lacking is counted because it is rare.
    """
    (sites, modality, setting, days, images, nbytes, here, views, sheets, lost, repeat_u, print_u) = exams
    route, prior, view, archive, wire = jobs
    day0, zero_s, month_of, slot = calendar
    n_mods, n_sets, n_months = shape
    by_kind, by_site, by_day, moments, hours, flows, stored = out
    values, moved = np.empty(len(MEASURES)), np.empty(len(FLOWS), np.int64)
    for row in rows:
        i = np.uint64(row)  # an index that cannot be negative is not looked at twice
        since = days[i] - day0
        if not 0 <= since < len(month_of):
            continue
        day, site, m = np.uint64(since), np.uint64(sites[i]), np.uint64(modality[i])
        kind = np.uint64(modality[i] * n_sets + setting[i])
        cell = np.uint64(sites[i] * n_mods * n_sets + modality[i] * n_sets + setting[i])
        hour = np.uint64(slot[min(len(slot) - 1, max(0, int((times[0][i] - zero_s) / 3600.0)))])
        measure_exam(i, times, values)
        for k in range(len(values)):
            x = values[k]
            if np.isnan(x):
                moments[0, cell, k] += 1
                hours[0, hour, k] += 1
                continue
            b, us = np.uint64(bucket_of(x)), np.int64(np.rint(x * MICRO))
            by_kind[kind, k, b] += 1
            by_site[site, k, b] += 1
            by_day[day, k, b] += 1
            moments[1, cell, k] += us
            hours[1, hour, k] += us
        moments[0, cell, len(values)] += 1
        hours[0, hour, len(values)] += 1
        pacs = route[i] & ON_PACS != 0
        repeat = repeat_u[i] < rejects[1 if pacs else 0, m]
        _flow(pacs, route[i], prior[i], view[i], here[i], lost[i], repeat, print_u[i] < residual_print, sheets[i],
              images[i], nbytes[i], views[i], moved)  # fmt: skip
        at = np.uint64(np.int64(cell) * n_months + month_of[day])
        for k in range(len(moved)):
            flows[at, k] += moved[k]
        if pacs:
            kept = np.int64(np.rint(wire[i]))
            for tier in range(2 if route[i] & TO_INGEST else 1):
                stored[archive[i], tier, m, day, 0] += images[i]
                stored[archive[i], tier, m, day, 1] += kept
