"""k servers, first come first served.

Kiefer and Wolfowitz (1955): a job starts when it is ready and the first of the k servers is free; for k = 1
this is Lindley's recursion (1952). `free` is a heap of the times at which each server is free again.
"""

from numba import njit

from sim.engines.kernels.heap import replace_first


@njit(cache=True)
def fifo(rows, ready, service, free, start, end):
    """Serve `rows` (indices in order of readiness) at one station; seconds; mutates free, start, end."""
    for i in rows:
        begin = max(ready[i], free[0])
        start[i] = begin
        end[i] = begin + service[i]
        replace_first(free, end[i])


@njit(cache=True)
def grouped_fifo(order, offsets, ready, service, free, free_offsets, start, end):
    """`fifo` at each station g: rows order[offsets[g]:offsets[g+1]], servers likewise in `free`."""
    for g in range(len(offsets) - 1):
        if offsets[g] < offsets[g + 1]:
            fifo(
                order[offsets[g] : offsets[g + 1]],
                ready,
                service,
                free[free_offsets[g] : free_offsets[g + 1]],
                start,
                end,
            )
