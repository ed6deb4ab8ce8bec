"""Everything that can be set: frozen models, strict about names, types and ranges, one module a noun of `config.yaml`.

`config` puts them together and checks what one says of another. The text under a field is its description in
`rules/config.schema.yaml`, which `schema` generates. What changes a result has no default here; what only says where
the work runs (`machine`) has.
"""
