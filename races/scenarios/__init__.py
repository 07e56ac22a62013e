"""One race per file; the file's name is its claim.

Each holds the naive form, which must fail, beside the forms that hold. Where a form says ``ours``
it runs this project's services themselves; where there is no service of ours for it, the few lines
that it needs stand here, on the lab's own tables.
"""
