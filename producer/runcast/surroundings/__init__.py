"""What surrounds a run: how its machine does, what its program prints, which code and packages it runs with.

All of it happens in threads of its own, costs the training less than a thousandth of a core, never raises into
it, and can be switched off (see `wanted`).
"""
