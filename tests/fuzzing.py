"""A mutation fuzzer over definition and mapping files: ``python tests/fuzzing.py SECONDS``.

Files that are right are broken in many ways; whatever comes of it is a value or an error of ours, in bounded time.
"""

import json
import sys
from pathlib import Path
from random import Random
from time import monotonic

from leadlife.checks import check
from leadlife.errors import LeadlifeError
from leadlife.io.mapping import as_mapping
from leadlife.io.playbook_files import as_playbook, dump_playbook, parse_json, parse_toml
from leadlife.presets import eight_stage

SLOWEST = 5.0
OLIST = Path(__file__).parents[1] / "examples" / "olist" / "olist.toml"
ODD = [
    None, True, False, 0, -1, 1e308, 10**29, "", " ", "*", "a.b.c", "{0.__class__}", "${jndi:x}", "%s", "__import__('os')",
    "\x00", "é", "x" * 5_000, [], {}, [[]], {"op": "custom_guard", "name": "os.system"}, {"op": "not"}, "P1M", "P999999D", "P-1D",
    "2026-01-01", "UTC", "Mars/Base", {"a": {"b": {"c": []}}}, [None], "recycled", "lead", "identified", 0.1, "eight_stage",
]  # fmt: skip


def places(data, path=()):
    yield path
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inner:
        yield from places(value, (*path, key))


def changed(data, random):
    """Change one place of plain values: another value, gone, doubled, renamed, or swapped with another place."""
    data = json.loads(json.dumps(data))
    *way, last = random.choice([path for path in places(data) if path])
    here = data
    for key in way:
        here = here[key]
    match random.randrange(5):
        case 0:
            here[last] = random.choice(ODD)
        case 1:
            del here[last]
        case 2 if isinstance(here, list):
            here.append(here[last])
        case 2:
            here[f"{last}x"] = here.pop(last)
        case 3 if isinstance(here, list):
            random.shuffle(here)
        case _:
            here[last] = [here[last]] if random.random() < 0.5 else {"op": here[last]}
    return data


def garbled(text, random):
    """Change the text itself."""
    at, size = random.randrange(len(text)), random.randrange(1, 30)
    piece = random.choice(
        ['"', "{", "}", "[", "]", ",", ":", "\\", "\n", "NaN", "1e999", "'''", "=", "#", text[at : at + 200]]
    )
    return text[:at] + piece * random.choice((1, 1, 2, 500)) + text[at + random.choice((0, size)) :]


def tried(read, text):
    begun = monotonic()
    try:
        read(text)
    except LeadlifeError as error:
        str(error)
        error.to_dict()
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}\n{text[:3_000]}") from error
    took = monotonic() - begun
    assert took < SLOWEST, f"{took:.1f} seconds\n{text[:3_000]}"


def checked(text):
    check(as_playbook(parse_json(text)))


def mapped_toml(text):
    as_mapping(parse_toml(text)).playbook()


def mapped_json(text):
    as_mapping(parse_json(text)).playbook()


def fuzz(seconds, seed=0):
    """Fuzz for so many seconds, and return how many files were tried."""
    random, until, tries = Random(seed), monotonic() + seconds, 0
    playbook, mapping = dump_playbook(eight_stage()), OLIST.read_text()
    plain = {checked: json.loads(playbook), mapped_json: parse_toml(mapping).data}
    while monotonic() < until:
        for read, data in plain.items():
            new = data
            for _ in range(random.randint(1, 3)):
                new = changed(new, random)
            tried(read, json.dumps(new))
        tried(checked, garbled(playbook, random))
        tried(mapped_toml, garbled(mapping, random))
        tries += 4
    return tries


if __name__ == "__main__":
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    print(f"{fuzz(seconds, seed):,} broken files, each a value or an error of ours")
