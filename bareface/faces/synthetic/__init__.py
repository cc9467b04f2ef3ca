"""A crowd of drawn people: the default data, rendered on demand, of nobody."""

from bareface.faces.synthetic.folder import sheet, write_folder, write_folder_once
from bareface.faces.synthetic.parameters import IDENTITY_SIZE, NUISANCE_SIZE
from bareface.faces.synthetic.people import SyntheticFaces
from bareface.faces.synthetic.render import render_parameters

__all__ = [
    "IDENTITY_SIZE",
    "NUISANCE_SIZE",
    "SyntheticFaces",
    "render_parameters",
    "sheet",
    "write_folder",
    "write_folder_once",
]
