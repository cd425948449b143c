"""One measurement over many kinds of data, in which a rule of the defaults has to earn its place."""
