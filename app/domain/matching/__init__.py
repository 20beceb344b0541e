"""How two halves become a pair, and what that does to a reserve account: pure functions.

versions    terms that hold from a day on
splits      a whole event's amount into the partners' parts
pairs       the two halves and what became of them
judgement   what two halves are to each other
reversals   what a reversal takes back
outcomes    what a resolution moves
books       the sums of one reserve account

Amounts are minor units, days ordinals (`date.toordinal()`), effects amounts signed by what they do
to the reserve.
"""
