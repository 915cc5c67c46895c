"""dask_answers.py array | bag | groupby GLOB: the examples of those names by dask, on two workers; prints the answer."""

import sys

from distributed import Client, LocalCluster


def bag():
    import dask.bag

    items = dask.bag.from_sequence(range(50), npartitions=2).map(
        lambda i: {"id": i, "even": i % 2 == 0, "value": i * 37 % 101 + i / 8}
    )
    return items.filter(lambda item: item["even"]).pluck("value").mean().compute()


def array():
    import dask.array

    x = dask.array.random.random((10**4, 10**4), chunks=(10**3, 10**3))
    return ((dask.array.sin(x) + 1) * 2).mean().compute()


def groupby(pattern):
    import dask.dataframe

    table = dask.dataframe.read_csv(pattern)
    found = table.groupby("key").value.agg(["count", "mean", "std"]).compute().sort_index()
    return f"{found['count'].sum()} {found['mean'].mean():.9f} {found['std'].mean():.9f}"


if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        print({"array": array, "bag": bag, "groupby": groupby}[sys.argv[1]](*sys.argv[2:]))
