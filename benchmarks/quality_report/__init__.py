"""What a run of the checks with its page costs, the first and the 2,000th: `python -m benchmarks.quality_report`.

A stream makes a commit an hour, of which some rows are set aside, and is checked after each; every run writes the page.
Time is simulated, the lake is a folder. All other streams of the page stay as they are, as they do in a real run; and
as those do, each run that is measured has a process of its own.
"""
