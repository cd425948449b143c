"""Made-up series to train a network on that then forecasts real ones: numpy only, a function of seed and index."""

from gatecast.pretrained.synthetic.families import Family
from gatecast.pretrained.synthetic.gaps import with_gaps
from gatecast.pretrained.synthetic.series import FAMILIES, of_family, series

__all__ = ["FAMILIES", "Family", "of_family", "series", "with_gaps"]
