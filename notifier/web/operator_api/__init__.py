"""The operators' JSON API, /api/v1: what the console does, for programs with a token.

Enters: requests with `Authorization: Bearer TOKEN`; a cookie means nothing here. Leaves: JSON, or problem+json with a
stable code. It calls the same operations as the console, so that neither can do what the other cannot. Described
by /api/openapi.json and docs/api.md.

In order: `access` (whose token, which scope), `shapes` (strict bodies, pages), then `service`, `stories`, `topics`,
`alerts`, `feeds`, and `changes` of the operators' files.
"""
