"""A crowd of drawn people: the default data, rendered on demand, of nobody."""

from bareface.synthetic.calm import calm
from bareface.synthetic.endless import EndlessFaces
from bareface.synthetic.folder import sheet, write_folder, write_folder_once
from bareface.synthetic.parameters import IDENTITY_SIZE, NUISANCE_SIZE
from bareface.synthetic.people import SyntheticFaces, one_thread
from bareface.synthetic.render import render_parameters

__all__ = [
    "IDENTITY_SIZE",
    "NUISANCE_SIZE",
    "EndlessFaces",
    "SyntheticFaces",
    "calm",
    "one_thread",
    "render_parameters",
    "sheet",
    "write_folder",
    "write_folder_once",
]
