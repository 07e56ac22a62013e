"""What should hold between orders, their money and their stock; checked every night."""

from orders.reconciliation import money, provider, sagas, stock
from outbox.reconciliation import register

for _check in (
    money.MoneyIsNotAsItShouldBe(),
    provider.ListDiffers(),
    provider.ChargedIsNotThere(),
    sagas.NobodyMovesIt(),
    sagas.TooOld(),
    stock.HeldForAFinishedOrder(),
    stock.ReservedIsNotHeld(),
):
    register(_check)
