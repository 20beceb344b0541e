"""Four eyes within a bank: one person prepares an act, another one signs it with the bank's key.

`lifecycle` is the life of a prepared act, `kinds` which acts there are, `requests` what a person
may ask for, `facts` what it was prepared against, `store` how it is kept, `preparing` and `signing`
what people do with it, `settlement` what becomes of what was sent.
"""
