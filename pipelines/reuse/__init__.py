"""What a run need not do again: deciding, step by step and for the run as a whole, that nothing it is made of changed.

What belongs here: what a step is made of, told in one digest (`made_of`), what tables hold (`contents`), the memory of
what was made from what (`steps`), and whether a run would change anything at all (`whole_run`). What does not: the
steps themselves (`defs`), and the models, of which dbt decides one by one (`dbt_project/macros/reuse`).

The rule everywhere: what was recorded is believed only where it was written in one transaction with what it tells of;
everything else is measured anew. A step that was broken off has no record, and is done again.
"""
