"""How a simulation is run and kept: experiments and run folders."""
