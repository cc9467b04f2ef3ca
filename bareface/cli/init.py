"""`bareface init`: a configuration to begin with, and the schema by which editors complete it."""

from pathlib import Path

from bareface.auditing.config_file import schema
from bareface.errors import UsageError
from bareface.storage.files import write_text

CONFIGURATION, SCHEMA = "audit.yaml", "audit.schema.json"
EXAMPLE = f"""\
# yaml-language-server: $schema={SCHEMA}
# bareface audit {CONFIGURATION} --run runs/mine
# Paths are relative to this file. Lines that begin with # show the usual value.

model: backbone.ckpt          # a file, an address, or package.module:factory (needs --allow-code)
members: photos/members       # folders person/image; or one manifest instead: roster: people.csv
nonmembers: photos/others     # people who were never trained on
# heldout: photos/heldout     # other photos of the members
# auxiliary: photos/more      # other people, to train shadows on
# public: photos/public       # other people, for statistics

# foreign: other.ckpt         # a backbone that was trained on other people: it sees who the people are
# assignment: observational   # or randomised, where members were drawn by lot (bareface split) before training
# seal: people.csv.seal.json  # of that draw, where it does not lie beside the roster
# recogniser: judge.onnx      # an independent network that finds people under two names
# references: []              # backbones of other origin that never saw the members
# trained_references: null    # how to train some that saw a part of the images, as in {{count: 4}}

# sample: null                # how many to ask about, by lot, as in {{people: 2000, photos: 20}}; {{}} = everybody

# detect: false               # the images are raw photos: find their faces and cut them out first
# face: central               # or largest, where there are several and detect is true

# games: null                 # record, person, dataset; null = all that the photos allow
# attacks: [bn-distance, "subject-compactness:k=2"]   # bareface attacks lists them
# shadow: null                # how to train shadows, as in {{count: 2, train: {{epochs: 60}}}}
# knowledge: null             # partial, shadow, nonmembers

# spec: null                  # the input, where the file does not say it, as in
#                             # {{height: 112, width: 112, order: RGB, mean: [127.5], std: [127.5]}}
# endpoint: {{per_second: 10}}  # how fast an address is asked
# ignore_head: false          # audit as if the file had no classification layer
# selfcheck: refuse           # or report, skip: what follows if the input does not fit the model
# device: cpu
# workers: 1                  # processes that ask the model at the same time
# executor: null              # where they are: inline, processes, ray
# batch_size: null
# folds: 5
# seed: 7
# title: audit
# max_reject_rate: 0.01       # more unusable images are refused
# max_shared_rate: 0.01       # more images or people on two sides are refused
# max_smallest_effect: 0.85   # where no smaller AUC could have been shown, nothing shown is NOT ESTIMABLE
# planted_leaks: 20           # audits with a planted leak, and as many without: would this audit have seen it?
"""


def run_init(folder: Path) -> str:
    """Write the example and its schema into a folder; returns what to do next.

    Raises:
        UsageError: there is a configuration already.
    """
    path = folder / CONFIGURATION
    if path.exists():
        raise UsageError(str(path), got="a file that is there already", expected="a folder without one")
    write_text(folder / SCHEMA, schema())
    write_text(path, EXAMPLE)
    return f"{path} is an example to change; bareface audit {path} --run runs/mine audits it"
