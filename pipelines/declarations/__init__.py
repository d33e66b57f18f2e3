"""What the project declares about the domain, in reviewed YAML files under `sources/`.

`source` and `catalogue` are the shapes of the declarations, `load` reads and checks the files, `expand` turns
them into tables. Nothing is imported here, so that the command line pays only for what it uses.
"""
