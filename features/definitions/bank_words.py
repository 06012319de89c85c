"""Words of channels, categories and products that definitions look for, as readers deliver them.

A bank with other words maps them where its tables are read, by `[sources.TABLE]` `values`: for
example `values = { category = { "工资" = "salary", "养老金" = "pension" } }`. A word that nobody
delivers makes the count, sum or share 0; `gridkeep check` tells the columns in which hardly any
word is one of these. Words are compared as written; a product has one when it is a part of the
name, in any case.
"""

SALARY = ("salary", "pension")
FEES = ("fee", "penalty_interest")
OTHER_BANKS = ("other_bank",)
CASH_CATEGORIES = ("cash_out",)
CASH_CHANNELS = ("atm",)
DIGITAL = ("web", "mobile")
COUNTER = ("counter",)
CONTACTS = ("contact",)
COMPLAINTS = ("complaint",)
VISITS = ("visit",)
PRODUCTS = ("card", "loan", "savings", "mobile")
