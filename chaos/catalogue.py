"""What the load is about: which products, which communities, how much of each."""

PRICE = "5000.00"  # of each product whose price is reduced
REDUCED = [f"CHAOS-R{n}" for n in range(20)]
CATEGORY = "Chaos bundle"
BUNDLE = [f"CHAOS-B{n}" for n in range(30)]  # the products of that category
PROBED = [f"CHAOS-P{n}" for n in range(10)]
GOODS = [f"CHAOS-G{n}" for n in range(8)]  # what is ordered
STOCK = 1_000_000  # of each
GOOD_CARD, DECLINED_CARD = "pm_card_visa", "pm_card_chargeDeclined"
COMMUNITIES = [f"chaos-{n}" for n in range(4)]
MEMBERS = 40  # of each
FIRST_CREDITS = 200  # of each
