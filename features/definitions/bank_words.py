"""Words of channels, categories and products that definitions look for, as readers deliver them.

A bank with other words maps them where its tables are read; a word that nobody delivers makes
the count, sum or share 0. Words are compared as written.
"""

SALARY = ("salary", "pension")
FEES = ("fee", "penalty_interest")
OTHER_BANKS = ("other_bank",)
CASH_CATEGORIES = ("cash_out",)
CASH_CHANNELS = ("atm",)
DIGITAL = ("web", "mobile")
COUNTER = ("counter",)
