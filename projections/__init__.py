"""What follows from the log: pure folds over its entries, and the audit that checks them."""
