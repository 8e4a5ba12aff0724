"""A regular package, because actions-toolkit installs a `tests` of its own that a namespace package would lose to."""
