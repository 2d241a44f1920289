"""What somebody published or measured: weather and other series, files, dated and sourced facts.

Every number taken from outside stands here as data with its unit, date and source, never as a
constant in code. Readers refuse what is missing, stale or impossible; absent is never zero.
"""
