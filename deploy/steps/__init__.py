"""How contracts come onto a chain, step by step: `step_01_…` to `step_05_…`.

Each step is a module with `NAME` and three functions of a `Deployment`: `verify` tells what is not
yet as the step leaves it (empty when all is), `prepare` writes down what will be done, `enact`
does it. `run` goes through them; what is done already is noticed and left alone, so that a run
that was cut off is mended by another one.
"""
