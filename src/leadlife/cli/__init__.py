"""The command line: ``leadlife demo``, ``draw``, ``check``, ``diff``, ``funnel``, ``plan``, ``simulate``, ``report``.

``leadlife replay`` and ``leadlife what-if`` are for many leads. ``leadlife verify`` checks a store, and
``leadlife plugins`` lists what installed packages add.

Exit codes: 0 if the command is done; 1 if the input was read and something is wrong with it (a faulty mapping, a
finding, a difference); 2 if the input cannot be read or the arguments are wrong.
"""

from leadlife.cli.main import main as main
