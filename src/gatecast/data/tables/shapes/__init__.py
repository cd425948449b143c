"""Tables of any source and shape, as one frame of polars with a name for every column."""
