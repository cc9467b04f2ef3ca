"""bareface: does your face backbone remember the people it was trained on?"""

__version__ = "0.1.0"
