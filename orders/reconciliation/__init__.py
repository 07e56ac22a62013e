"""What should hold between orders, their money and their stock; checked every night."""

from orders.reconciliation import money, provider, refunds, sagas, stock
from outbox.reconciliation import register

for _check in (
    money.MoneyIsNotAsItShouldBe(),
    provider.ListDiffers(),
    provider.ChargedIsNotThere(),
    refunds.RefundFailed(),
    refunds.RefundIsNotThere(),
    refunds.RefundIsRefused(),
    sagas.NobodyMovesIt(),
    sagas.TooOld(),
    sagas.NobodyIsAsked(),
    stock.HeldForAFinishedOrder(),
    stock.ReservedIsNotHeld(),
):
    register(_check)
