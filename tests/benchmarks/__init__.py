"""What the ledger costs, against the bare operations under it, as ratios measured in one run; `make bench`."""
