"""One model for each group of series: trained side by side, used and kept as one."""
