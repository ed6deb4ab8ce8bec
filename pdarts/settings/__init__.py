"""Settings: frozen models, strict about names, types and ranges, with one module for each noun of `config.yaml`.

`config` puts them together and checks that they fit each other. The text under a field is its description in
`rules/config.schema.yaml`, which `schema` generates. Settings that change a result have no defaults here; those that
only say where the work runs (`machine`) do.
"""
