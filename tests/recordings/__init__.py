"""Sessions with a real engine, recorded by `python -m tools.record`, and a port towards programs that plays them."""
