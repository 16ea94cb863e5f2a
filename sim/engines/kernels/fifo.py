"""k servers, first come first served.

Kiefer and Wolfowitz (1955): a job starts when it is ready and the first of the k servers is free,

    start[i] = max(ready[i], min(free));  end[i] = start[i] + service[i];  end[i] takes the place of min(free)

`free` is a heap of the times at which each server is free again; for k = 1 this is Lindley's recursion (1952).
A start depends on earlier jobs only, so a window's jobs are all decided in it and `free` is all there is to carry.
"""

from numba import njit

from sim.engines.kernels.heap import replace_first


@njit(cache=True)
def fifo(rows, ready, service, free, start, end):
    """Serve `rows`, i8[m] indices in order of readiness, at one station.

    ready, service f8[n] seconds; free f8[k], k >= 1, a heap, changed; start, end f8[n] are written at `rows`.
    """
    for i in rows:
        begin = max(ready[i], free[0])
        start[i] = begin
        end[i] = begin + service[i]
        replace_first(free, end[i])


@njit(cache=True)
def grouped_fifo(order, offsets, ready, service, free, free_offsets, start, end):
    """`fifo` at each station g, as `sort.by_station` grouped the jobs.

    Rows of g are order[offsets[g]:offsets[g+1]], its servers free[free_offsets[g]:free_offsets[g+1]].
    Raises ValueError for jobs at a station without servers.
    """
    for g in range(len(offsets) - 1):
        rows, servers = order[offsets[g] : offsets[g + 1]], free[free_offsets[g] : free_offsets[g + 1]]
        if len(rows) and not len(servers):
            raise ValueError("jobs at a station without servers")
        if len(rows):
            fifo(rows, ready, service, servers, start, end)
