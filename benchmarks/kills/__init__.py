"""Work that is killed at random moments and goes on from its folder: does it end with the same bytes?"""
