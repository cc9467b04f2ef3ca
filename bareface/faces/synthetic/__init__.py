"""A crowd of drawn people: the default data, rendered on demand, of nobody."""

from bareface.faces.synthetic.calm import calm
from bareface.faces.synthetic.endless import EndlessFaces
from bareface.faces.synthetic.folder import sheet, write_folder, write_folder_once
from bareface.faces.synthetic.parameters import IDENTITY_SIZE, NUISANCE_SIZE
from bareface.faces.synthetic.people import SyntheticFaces, one_thread
from bareface.faces.synthetic.render import render_parameters

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
