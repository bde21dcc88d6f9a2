"""Several workers, processes of one machine, that serve as one: on one port, each with the calls that are its own."""
