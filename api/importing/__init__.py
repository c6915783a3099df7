"""A way in: a selection that was held elsewhere, from folders of CSV files and from workbooks.

Reading turns files into the rows of `ledger.import_tables` and says everything that is wrong with a file at once, by
file, row and column. It decides nothing: what the rows mean and whether the procedure allows them is the ledger's.
"""
