"""What happened: readings, postings, commands and their proofs. Nothing here is ever edited.

The proof in one line: the fixed binary rows of an acknowledged batch form a tree (`rowform`,
`merkle`), its root is a leaf of the log in canonical JSON (`canonical`), the log's root is signed
(`heads`), and the signed heads leave the house (`witness`).
"""
