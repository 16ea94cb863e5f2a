"""k servers, first come first served.

Kiefer and Wolfowitz (1955): a job starts when it is ready and the first of the k servers is free,

    start[i] = max(ready[i], min(free));  end[i] = start[i] + service[i];  end[i] takes the place of min(free)

`free` is a heap of the times at which each server is free again; for k = 1 this is Lindley's recursion (1952).
A start depends on earlier jobs only, so a window's jobs are all decided in it and `free` is all there is to carry.
"""

from numba import njit

from sim.engines.kernels.heap import replace_first


@njit(cache=True)
def block(free, begin, until):
    """A server is out from `begin` until `until`: the first that is free then is taken, ahead of every job."""
    replace_first(free, max(until, max(begin, free[0])))


@njit(cache=True)
def fifo(rows, ready, service, free, start, end, begins, untils, taken, upto):
    """Serve `rows`, i8[m] indices in order of readiness, at one station; returns how many blocks are taken.

    ready, service f8[n] seconds; free f8[k], k >= 1, a heap, changed; start, end f8[n] are written at `rows`. Blocks
    `taken` to `upto` of begins, untils f8 are still to come, in order of their beginning.
    """
    for i in rows:
        begin = max(ready[i], free[0])
        while taken < upto and begins[taken] <= begin:
            block(free, begins[taken], untils[taken])
            taken += 1
            begin = max(ready[i], free[0])
        start[i] = begin
        end[i] = begin + service[i]
        replace_first(free, end[i])
    return taken


@njit(cache=True)
def grouped_fifo(order, offsets, ready, service, free, free_offsets, start, end, begins, untils, blocks, taken):
    """`fifo` at each station g, as `sort.by_station` grouped the jobs.

    Rows of g are order[offsets[g]:offsets[g+1]], its servers free[free_offsets[g]:free_offsets[g+1]], its blocks
    blocks[g] to blocks[g+1] of begins and untils, of which taken[g] (changed) are taken.
    Raises ValueError for jobs at a station without servers.
    """
    for g in range(len(offsets) - 1):
        rows, servers = order[offsets[g] : offsets[g + 1]], free[free_offsets[g] : free_offsets[g + 1]]
        if len(rows) and not len(servers):
            raise ValueError("jobs at a station without servers")
        if len(rows):
            taken[g] = fifo(rows, ready, service, servers, start, end, begins, untils, taken[g], blocks[g + 1])
