"""Lets time pass: what is due is concluded and saved. Any number of these may run at once."""

import time

from database import clock, open_store


def main() -> None:
    store = open_store()
    while True:
        for swept in store.sweep(clock()):
            if swept.error is not None:
                print(f"{swept.lead}: {swept.error}")
            else:
                print(f"{swept.lead}: {', '.join(fact.type for fact in swept.new)}")
        time.sleep(30)


if __name__ == "__main__":
    main()
